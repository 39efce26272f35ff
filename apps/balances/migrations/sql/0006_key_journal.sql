-- A key's entry is looked up once a statement; entries are never deleted, so that nothing else has to be watched.
CREATE FUNCTION balances_key_journal_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM new_keys k LEFT JOIN ledger_journal j ON j.id = k.journal_id
         WHERE k.journal_id IS NOT NULL AND j.id IS NULL
    ) THEN
        RAISE EXCEPTION 'a transaction key names an entry that there is' USING ERRCODE = '23503';
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER balances_key_journal_check AFTER INSERT ON balances_transaction_key REFERENCING NEW TABLE AS new_keys
    FOR EACH STATEMENT EXECUTE FUNCTION balances_key_journal_check();
