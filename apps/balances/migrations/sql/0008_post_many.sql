-- Many postings in one transaction whose rows are written by COPY: this locks and tells what to decide from, the caller
-- decides (by the same rules as balances_post) and copies entries, lines and keys, balances_post_settle changes the balances.
-- Same locks, in the same order, and same errors as balances_post: 40001, NU002, NU008; the caller raises NU004's.
--
-- p_account is distinct and ascending; the states are in its order. Of keys that were used before: the place of the
-- posting in p_transaction, from 1, and what was decided. An id is drawn for each of the others, under the locks.
--
-- Rows are found by their keys, whatever the statistics say: a plan made while the tables were small stays in the session.
CREATE FUNCTION balances_post_open(
    p_transaction uuid[], p_account bigint[],
    OUT today date, OUT booked_at timestamptz,
    OUT balance bigint[], OUT held bigint[], OUT overdraft_limit bigint[], OUT status text[], OUT currency text[],
    OUT internal boolean[], OUT version bigint[],
    OUT known int[], OUT known_print bytea[], OUT known_outcome text[], OUT known_journal bigint[], OUT ids bigint[]
) LANGUAGE plpgsql SET plan_cache_mode TO force_generic_plan SET enable_seqscan TO off SET enable_hashjoin TO off
SET enable_mergejoin TO off AS $$
DECLARE
    v_epoch bigint[]; v_partition int[];
BEGIN
    -- A posting belongs to the business day that it sees; cut-off takes this lock exclusively.
    PERFORM pg_advisory_xact_lock_shared(7003);
    SELECT d.current INTO STRICT today FROM ledger_businessdate d;

    SELECT array_agg(b.balance), array_agg(b.held), array_agg(b.overdraft_limit), array_agg(b.status),
           array_agg(b.currency), array_agg(b.kind = 'internal'), array_agg(b.version), array_agg(b.owner_epoch),
           array_agg(b.partition_id)
      INTO balance, held, overdraft_limit, status, currency, internal, version, v_epoch, v_partition
      FROM (SELECT b.* FROM unnest(p_account) AS a (id) JOIN balances_balance b ON b.account_id = a.id
             ORDER BY b.account_id FOR NO KEY UPDATE OF b) b;
    IF coalesce(cardinality(balance), 0) <> cardinality(p_account) THEN
        RAISE EXCEPTION 'an account has no balance row' USING ERRCODE = 'NU008';
    END IF;

    -- Ownership is read in a later statement than the locks: a statement's snapshot is older than the lock it waited for.
    IF EXISTS (SELECT 1 FROM balances_partition p WHERE p.mode <> 'SAFE') AND EXISTS (
        SELECT 1 FROM unnest(v_epoch, v_partition) AS o (epoch, part)
          JOIN balances_partition p ON p.id = o.part AND p.mode <> 'SAFE' AND p.epoch = o.epoch
    ) THEN
        RAISE EXCEPTION 'an account is owned by the engine' USING ERRCODE = 'NU002';
    END IF;

    SELECT array_agg(t.place::int), array_agg(k.fingerprint), array_agg(k.outcome), array_agg(k.journal_id)
      INTO known, known_print, known_outcome, known_journal
      FROM unnest(p_transaction) WITH ORDINALITY AS t (id, place)
      JOIN balances_transaction_key k ON k.transaction_id = t.id;
    ids := ARRAY(SELECT nextval('ledger_journal_id_seq')
                   FROM generate_series(1, cardinality(p_transaction) - coalesce(cardinality(known), 0)));
    booked_at := clock_timestamp();
END;
$$;

-- The new states of accounts whose rows the caller holds, each from the version that it decided on.
CREATE FUNCTION balances_post_settle(p_account bigint[], p_version_start bigint[], p_balance bigint[], p_version bigint[])
    RETURNS void LANGUAGE plpgsql SET plan_cache_mode TO force_generic_plan SET enable_seqscan TO off
    SET enable_hashjoin TO off SET enable_mergejoin TO off AS $$
DECLARE
    v_written int;
BEGIN
    PERFORM set_config('numina.door', 'open', true);
    UPDATE balances_balance b SET balance = t.balance, version = t.version, database_until = NULL
      FROM unnest(p_account, p_version_start, p_balance, p_version) AS t (account, version_start, balance, version)
     WHERE b.account_id = t.account AND b.version = t.version_start;
    GET DIAGNOSTICS v_written = ROW_COUNT;
    PERFORM set_config('numina.door', '', true);
    IF v_written <> cardinality(p_account) THEN
        RAISE EXCEPTION 'a balance changed its version under its lock' USING ERRCODE = '40001';
    END IF;
END;
$$;
