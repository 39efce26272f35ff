"""The digest of an event, the sealer's state, and the fences of seals and anchors."""

from django.db import migrations

FORWARD = """
-- An unambiguous text that no session setting changes. A JSON null and no value at all are one and the same.
CREATE FUNCTION audit_digest(e audit_auditevent) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(jsonb_build_array(
               e.id, (extract(epoch FROM e.at) * 1000000)::bigint, e.kind, e.action, e.actor_id, e.actor_label,
               e.object_type, e.object_id, e.object_label, coalesce(e.before, 'null'), coalesce(e.after, 'null'),
               e.reason, host(e.ip), e.correlation_id)::text, 'UTF8'))
$$;
CREATE TRIGGER audit_seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seal
    FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse();
CREATE TRIGGER audit_anchor_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_anchor
    FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse();
REVOKE UPDATE, DELETE, TRUNCATE ON audit_seal, audit_anchor FROM PUBLIC, CURRENT_USER;
INSERT INTO audit_seal_state (id, last_id, head, ceiling, waiting)
VALUES (1, 0, sha256(convert_to('numina audit trail', 'UTF8')), 0, '{}');
"""

REVERSE = """
DELETE FROM audit_seal_state;
GRANT UPDATE, DELETE, TRUNCATE ON audit_seal, audit_anchor TO CURRENT_USER;
DROP TRIGGER audit_anchor_append_only ON audit_anchor;
DROP TRIGGER audit_seal_append_only ON audit_seal;
DROP FUNCTION audit_digest(audit_auditevent);
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_seals")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
