"""PostgreSQL refuses to change or remove audit events.

Two fences, since each has a gap: REVOKE does not bind a superuser, the trigger can be disabled by the table's owner.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse();
REVOKE UPDATE, DELETE, TRUNCATE ON audit_auditevent FROM PUBLIC, CURRENT_USER;
"""

REVERSE = """
GRANT UPDATE, DELETE, TRUNCATE ON audit_auditevent TO CURRENT_USER;
DROP TRIGGER audit_event_append_only ON audit_auditevent;
DROP FUNCTION audit_event_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_audit")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
