-- The account of a posting of interest is looked up once a statement, where a foreign key looks it up again for each of a
-- million rows (that took two fifths of all that remembering a posting cost PostgreSQL). What the key said of the other
-- side is said here for good: an account is never deleted, and keeps its id.
CREATE FUNCTION accounts_account_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an account is closed, never deleted, and keeps its id' USING ERRCODE = '23503';
END;
$$;
CREATE TRIGGER accounts_account_not_deleted BEFORE DELETE ON accounts_account
    FOR EACH ROW EXECUTE FUNCTION accounts_account_kept();
CREATE TRIGGER accounts_account_keeps_id BEFORE UPDATE OF id ON accounts_account FOR EACH ROW
    WHEN (NEW.id <> OLD.id) EXECUTE FUNCTION accounts_account_kept();

-- By the key, never by a look at all accounts.
CREATE FUNCTION accounts_posting_account_check() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan TO off SET enable_hashjoin TO off SET enable_mergejoin TO off AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM new_postings p LEFT JOIN accounts_account a ON a.id = p.account_id WHERE a.id IS NULL
    ) THEN
        RAISE EXCEPTION 'interest is posted to an account that there is' USING ERRCODE = '23503';
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER accounts_posting_account_new AFTER INSERT ON accounts_interest_posting
    REFERENCING NEW TABLE AS new_postings FOR EACH STATEMENT EXECUTE FUNCTION accounts_posting_account_check();
CREATE TRIGGER accounts_posting_account_changed AFTER UPDATE ON accounts_interest_posting
    REFERENCING NEW TABLE AS new_postings FOR EACH STATEMENT EXECUTE FUNCTION accounts_posting_account_check();
