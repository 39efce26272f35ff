-- The lines' accounts are looked up once a statement, where a foreign key looks up each line's again (that took a third of
-- all that journaling a transfer cost PostgreSQL). What the key said of the other side is said here for good: an account is
-- never deleted, and keeps its id, currency and kind.
CREATE FUNCTION ledger_account_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a ledger account is never deleted and keeps its currency' USING ERRCODE = 'NU005';
END;
$$;
CREATE TRIGGER ledger_account_not_deleted BEFORE DELETE ON ledger_ledgeraccount
    FOR EACH ROW EXECUTE FUNCTION ledger_account_kept();
CREATE TRIGGER ledger_account_keeps_currency BEFORE UPDATE OF id, currency_id, kind ON ledger_ledgeraccount FOR EACH ROW
    WHEN ((NEW.id, NEW.currency_id, NEW.kind) IS DISTINCT FROM (OLD.id, OLD.currency_id, OLD.kind))
    EXECUTE FUNCTION ledger_account_kept();
CREATE TRIGGER ledger_account_no_truncate BEFORE TRUNCATE ON ledger_ledgeraccount
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();

CREATE FUNCTION ledger_line_accounts_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM (SELECT DISTINCT account_id, currency FROM new_lines) l
          LEFT JOIN ledger_ledgeraccount a ON a.id = l.account_id AND a.currency_id = l.currency
         WHERE a.id IS NULL
    ) THEN
        RAISE EXCEPTION 'a line is in the currency of an account that there is' USING ERRCODE = '23503';
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER ledger_line_accounts_check AFTER INSERT ON ledger_line REFERENCING NEW TABLE AS new_lines
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_line_accounts_check();
ALTER TABLE ledger_line DROP CONSTRAINT ledger_line_account_currency;
