-- One transfer between two accounts: what `balances_post` does for a batch of one, with scalars in place of arrays. Most
-- of what a single transfer costs is the starting of statements over arrays; here it is two thirds of that. Same locks,
-- same order of decisions, same rows, same errors: a test holds the two functions to each other.
--
-- The first leg takes p_amount (credit-positive minor units), the second its negative; legs are decided in that order.
-- Raises as balances_post: 40001, NU002, NU004, NU008.
CREATE FUNCTION balances_leg_outcome(
    p_status text, p_currency text, p_kind text, p_balance bigint, p_held bigint, p_limit bigint,
    p_leg_currency text, p_amount bigint, p_overdraw boolean
) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN p_status = 'X' THEN 'CLOSED'
        WHEN p_currency <> p_leg_currency THEN 'CCY'
        WHEN p_status = 'F' OR (p_status = 'D' AND p_amount < 0) OR (p_status = 'C' AND p_amount > 0) THEN 'FROZEN'
        WHEN abs(p_amount) > 10000000000000 OR abs(p_balance + p_amount) > 9000000000000000 THEN 'LIMIT'
        WHEN p_amount < 0 AND p_kind <> 'internal' AND NOT p_overdraw
             AND p_balance + p_amount - p_held + p_limit < 0 THEN 'NSF'
        ELSE 'OK'
    END;
$$;

CREATE FUNCTION balances_post_pair(
    p_transaction uuid, p_client text, p_key text, p_fingerprint bytea, p_kind text,
    p_business_date date, p_value_date date, p_channel text, p_description text, p_counterparty text,
    p_reference text, p_reverses bigint, p_client_timestamp timestamptz, p_actor uuid, p_correlation text,
    p_first bigint, p_second bigint, p_currency text, p_amount bigint, p_overdraw boolean,
    OUT outcome text, OUT journal bigint, OUT replayed boolean, OUT booked_at timestamptz,
    OUT today date, OUT first_after bigint, OUT second_after bigint
) LANGUAGE plpgsql SET plan_cache_mode TO force_generic_plan AS $$
DECLARE
    v_first balances_balance;
    v_second balances_balance;
    v_row balances_balance;
    v_locked int := 0;
    v_lines int := 0;
    v_written int;
    v_print bytea;
    v_day date;
    v_debit constant boolean := p_amount < 0;
    v_size constant bigint := abs(p_amount);
BEGIN
    -- A posting belongs to the business day that it sees; cut-off takes this lock exclusively.
    PERFORM pg_advisory_xact_lock_shared(7003);
    SELECT d.current INTO STRICT today FROM ledger_businessdate d;

    FOR v_row IN SELECT b.* FROM balances_balance b WHERE b.account_id IN (p_first, p_second)
                  ORDER BY b.account_id FOR NO KEY UPDATE LOOP
        v_locked := v_locked + 1;
        IF v_row.account_id = p_first THEN
            v_first := v_row;
        ELSE
            v_second := v_row;
        END IF;
    END LOOP;
    IF v_locked <> 2 THEN
        RAISE EXCEPTION 'an account has no balance row' USING ERRCODE = 'NU008';
    END IF;

    -- Ownership is read in a later statement than the locks: a statement's snapshot is older than the lock it waited for.
    IF EXISTS (
        SELECT 1 FROM balances_partition p
         WHERE p.mode <> 'SAFE' AND ((p.id = v_first.partition_id AND p.epoch = v_first.owner_epoch)
                                  OR (p.id = v_second.partition_id AND p.epoch = v_second.owner_epoch))
    ) THEN
        RAISE EXCEPTION 'an account is owned by the engine' USING ERRCODE = 'NU002';
    END IF;

    first_after := v_first.balance;
    second_after := v_second.balance;
    SELECT k.fingerprint, k.outcome, k.journal_id INTO v_print, outcome, journal
      FROM balances_transaction_key k WHERE k.transaction_id = p_transaction;
    replayed := FOUND;
    IF replayed THEN
        booked_at := clock_timestamp();
        IF v_print <> p_fingerprint THEN
            outcome := 'REUSED';
            journal := NULL;
        END IF;
        RETURN;
    END IF;

    journal := nextval('ledger_journal_id_seq');
    v_day := coalesce(p_business_date, today);
    IF v_day > today THEN
        RAISE EXCEPTION 'the business date lies after the open day %', today USING ERRCODE = 'NU004';
    END IF;
    outcome := balances_leg_outcome(v_first.status, v_first.currency, v_first.kind, v_first.balance, v_first.held,
                                    v_first.overdraft_limit, p_currency, p_amount, p_overdraw);
    IF outcome = 'OK' THEN
        outcome := balances_leg_outcome(v_second.status, v_second.currency, v_second.kind, v_second.balance,
                                        v_second.held, v_second.overdraft_limit, p_currency, -p_amount, p_overdraw);
    END IF;
    IF p_reverses IS NOT NULL AND EXISTS (
        SELECT 1 FROM ledger_journal j WHERE j.reverses_id = p_reverses AND j.outcome = 'OK'
    ) THEN
        outcome := 'REVERSED';
    END IF;
    IF outcome = 'OK' THEN
        v_lines := 2;
        first_after := v_first.balance + p_amount;
        second_after := v_second.balance - p_amount;
    END IF;
    booked_at := clock_timestamp();

    INSERT INTO ledger_journal (
        id, transaction_id, kind, outcome, line_count, business_date, value_date, booked_at, client_timestamp, actor,
        correlation_id, channel, description, counterparty, reference, reverses_id, partition, epoch)
    VALUES (journal, p_transaction, p_kind, outcome, v_lines, v_day, coalesce(p_value_date, v_day), booked_at,
            p_client_timestamp, p_actor, p_correlation, p_channel, p_description, p_counterparty, p_reference,
            p_reverses, 0, 0);

    IF v_lines = 2 THEN
        INSERT INTO ledger_line (
            journal_id, line_no, account_id, currency, side, amount, balance_before, balance_after, account_version,
            business_date)
        VALUES (journal, 1, p_first, p_currency, CASE WHEN v_debit THEN 'D' ELSE 'C' END, v_size,
                v_first.balance, first_after, v_first.version + 1, v_day),
               (journal, 2, p_second, p_currency, CASE WHEN v_debit THEN 'C' ELSE 'D' END, v_size,
                v_second.balance, second_after, v_second.version + 1, v_day);
    END IF;

    INSERT INTO balances_transaction_key (transaction_id, client_id, idempotency_key, fingerprint, outcome, journal_id)
    VALUES (p_transaction, p_client, p_key, p_fingerprint, outcome, journal)
        ON CONFLICT (transaction_id) DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the same key was used at the same moment' USING ERRCODE = '40001';
    END IF;
    IF v_lines = 0 THEN
        RETURN;
    END IF;

    PERFORM set_config('numina.door', 'open', true);
    UPDATE balances_balance b
       SET balance = CASE WHEN b.account_id = p_first THEN first_after ELSE second_after END,
           version = b.version + 1, database_until = NULL,
           overdraft_limit = CASE WHEN p_overdraw AND b.kind <> 'internal'
               THEN greatest(b.overdraft_limit, b.held - CASE WHEN b.account_id = p_first THEN first_after ELSE second_after END)
               ELSE b.overdraft_limit END
     WHERE b.account_id IN (p_first, p_second)
       AND b.version = CASE WHEN b.account_id = p_first THEN v_first.version ELSE v_second.version END;
    GET DIAGNOSTICS v_written = ROW_COUNT;
    PERFORM set_config('numina.door', '', true);
    IF v_written <> 2 THEN
        RAISE EXCEPTION 'a balance changed its version under its lock' USING ERRCODE = '40001';
    END IF;
END;
$$;
