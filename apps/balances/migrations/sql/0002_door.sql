-- Money columns change only through the door: the posting function and the services that hold the row locks open it
-- for their own statement. Anything else, an ORM update by mistake included, is refused.
CREATE FUNCTION balances_door_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'balances change only through apps.balances.services' USING ERRCODE = 'NU007';
END;
$$;
CREATE TRIGGER balances_door_update BEFORE UPDATE OF balance, held, overdraft_limit, status, version, kind, currency, account_id
    ON balances_balance FOR EACH ROW
    WHEN (current_setting('numina.door', true) IS DISTINCT FROM 'open') EXECUTE FUNCTION balances_door_closed();
CREATE TRIGGER balances_door_insert BEFORE INSERT ON balances_balance FOR EACH ROW
    WHEN (NEW.balance <> 0 OR NEW.held <> 0) EXECUTE FUNCTION balances_door_closed();
CREATE TRIGGER balances_door_delete BEFORE DELETE ON balances_balance FOR EACH ROW
    EXECUTE FUNCTION balances_door_closed();
CREATE TRIGGER balances_door_truncate BEFORE TRUNCATE ON balances_balance FOR EACH STATEMENT
    EXECUTE FUNCTION balances_door_closed();
-- Currency and kind are copies that the posting function decides by: they cannot differ from the account's own.
ALTER TABLE ledger_ledgeraccount ADD CONSTRAINT ledger_account_id_currency_kind UNIQUE (id, currency_id, kind);
ALTER TABLE balances_balance ADD CONSTRAINT balances_balance_account_currency_kind
    FOREIGN KEY (account_id, currency, kind) REFERENCES ledger_ledgeraccount (id, currency_id, kind);

CREATE TRIGGER balances_key_append_only BEFORE UPDATE OR DELETE ON balances_transaction_key
    FOR EACH ROW EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER balances_key_no_truncate BEFORE TRUNCATE ON balances_transaction_key
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
REVOKE UPDATE, DELETE, TRUNCATE ON balances_transaction_key FROM PUBLIC, CURRENT_USER;
REVOKE DELETE, TRUNCATE ON balances_balance FROM PUBLIC, CURRENT_USER;

-- A row is half empty of updates from the start: a balance is rewritten in place, without touching its index.
ALTER TABLE balances_balance SET (fillfactor = 50);

INSERT INTO balances_partition (id, mode, epoch, nonce, head_seq, head_hash, flips, fenced_why, changed_at)
VALUES (0, 'SAFE', 0, '', 0, '', 0, '', now());
INSERT INTO balances_partitionpost (partition_id, epoch, posted_seq) VALUES (0, 0, 0);

-- The other change of a balance's row: what is held, its limit, its status. The caller holds the row lock; null leaves a
-- column as it is. Raises 40001 when the version is not the one that the caller decided on.
CREATE FUNCTION balances_change(
    p_account bigint, p_version bigint, p_held_delta bigint, p_overdraft_limit bigint, p_status text
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_version bigint;
BEGIN
    PERFORM set_config('numina.door', 'open', true);
    UPDATE balances_balance b
       SET held = b.held + p_held_delta, overdraft_limit = coalesce(p_overdraft_limit, b.overdraft_limit),
           status = coalesce(p_status, b.status), version = b.version + 1
     WHERE b.account_id = p_account AND b.version = p_version
    RETURNING b.version INTO v_version;
    PERFORM set_config('numina.door', '', true);
    IF v_version IS NULL THEN
        RAISE EXCEPTION 'a balance changed its version under its lock' USING ERRCODE = '40001';
    END IF;
    RETURN v_version;
END;
$$;
