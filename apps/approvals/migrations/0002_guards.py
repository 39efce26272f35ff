"""Decisions are append-only, and the maker that a decision repeats is the request's own."""

from django.db import migrations

FORWARD = """
ALTER TABLE approvals_approvalrequest ADD CONSTRAINT approval_request_maker UNIQUE (process_ptr_id, maker_id);
ALTER TABLE approvals_approvaldecision ADD CONSTRAINT approval_decision_maker_is_requests
    FOREIGN KEY (request_id, maker_id) REFERENCES approvals_approvalrequest (process_ptr_id, maker_id);
CREATE FUNCTION approvals_decision_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a decision is never changed: %', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER approvals_decision_append_only BEFORE UPDATE OR DELETE ON approvals_approvaldecision
    FOR EACH ROW EXECUTE FUNCTION approvals_decision_guard();
CREATE TRIGGER approvals_decision_no_truncate BEFORE TRUNCATE ON approvals_approvaldecision
    FOR EACH STATEMENT EXECUTE FUNCTION approvals_decision_guard();
CREATE FUNCTION approvals_policy_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.document IS DISTINCT FROM NEW.document OR OLD.kind <> NEW.kind OR OLD.number <> NEW.number
       OR OLD.effective_from <> NEW.effective_from THEN
        RAISE EXCEPTION 'a version of a policy is never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_policy_version_stands BEFORE UPDATE ON approvals_approvalpolicy
    FOR EACH ROW EXECUTE FUNCTION approvals_policy_guard();
"""
BACKWARD = """
DROP TRIGGER approvals_policy_version_stands ON approvals_approvalpolicy;
DROP FUNCTION approvals_policy_guard();
DROP TRIGGER approvals_decision_no_truncate ON approvals_approvaldecision;
DROP TRIGGER approvals_decision_append_only ON approvals_approvaldecision;
DROP FUNCTION approvals_decision_guard();
ALTER TABLE approvals_approvaldecision DROP CONSTRAINT approval_decision_maker_is_requests;
ALTER TABLE approvals_approvalrequest DROP CONSTRAINT approval_request_maker;
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_approvals")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
