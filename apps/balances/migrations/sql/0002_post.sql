-- The one algorithm that moves money on the database path: any number of transactions in one call, each with its own
-- outcome (or all or none). Locks balances in key order, decides item by item in memory, then writes set-based.
--
-- Items are parallel arrays; legs are contiguous per item, ascending by item. Leg amounts are credit-positive minor
-- units; p_leg_account indexes p_account, which is distinct and ascending.
-- Plans are generic: with arrays as parameters PostgreSQL would plan anew at each call, which costs more than the work.
-- Raises 40001 (raced with another transaction: repeat), NU002 (an account is owned by the engine),
-- NU004 (business date in the future), NU008 (an account has no balance row).
CREATE FUNCTION balances_post(
    p_transaction uuid[], p_client text, p_key text[], p_fingerprint bytea[], p_kind text[],
    p_business_date date[], p_value_date date[], p_channel text[], p_description text[], p_counterparty text[],
    p_reference text[], p_reverses bigint[], p_client_timestamp timestamptz[],
    p_actor uuid, p_correlation text,
    p_account bigint[], p_leg_item int[], p_leg_account int[], p_leg_currency text[], p_leg_amount bigint[],
    p_overdraw boolean, p_atomic boolean,
    OUT outcome text[], OUT journal bigint[], OUT replayed boolean[], OUT booked_at timestamptz,
    OUT today date, OUT balance_after bigint[]
) LANGUAGE plpgsql SET plan_cache_mode TO force_generic_plan AS $$
DECLARE
    v_items constant int := cardinality(p_transaction);
    v_legs constant int := cardinality(p_leg_item);
    v_accounts constant int := cardinality(p_account);
    v_balance bigint[]; v_start bigint[]; v_held bigint[]; v_limit bigint[]; v_version bigint[]; v_version_start bigint[];
    v_status text[]; v_currency text[]; v_internal boolean[]; v_epoch bigint[]; v_partition int[];
    v_before bigint[] := array_fill(0::bigint, ARRAY[v_legs]);
    v_after bigint[] := array_fill(0::bigint, ARRAY[v_legs]);
    v_leg_version bigint[] := array_fill(0::bigint, ARRAY[v_legs]);
    -- What a line is written from, by leg: a null entry writes none.
    v_leg_entry bigint[] := array_fill(NULL::bigint, ARRAY[v_legs]);
    v_line_account bigint[] := array_fill(0::bigint, ARRAY[v_legs]);
    v_line_date date[] := array_fill(NULL::date, ARRAY[v_legs]);
    v_line_no int[] := array_fill(0, ARRAY[v_legs]);
    v_lines int[] := array_fill(0, ARRAY[v_items]);
    v_known uuid[]; v_known_print bytea[]; v_known_outcome text[]; v_known_journal bigint[];
    v_leg int := 1; v_first int; v_at int; v_new bigint; v_amount bigint; v_result text; v_refused boolean := false;
    v_written int; v_expected int; v_day date; v_entry bigint; v_new_items int := 0;
BEGIN
    -- A posting belongs to the business day that it sees; cut-off takes this lock exclusively.
    PERFORM pg_advisory_xact_lock_shared(7003);
    SELECT d.current INTO STRICT today FROM ledger_businessdate d;

    SELECT array_agg(b.balance), array_agg(b.held), array_agg(b.overdraft_limit), array_agg(b.version),
           array_agg(b.status), array_agg(b.currency), array_agg(b.kind = 'internal'),
           array_agg(b.owner_epoch), array_agg(b.partition_id)
      INTO v_balance, v_held, v_limit, v_version, v_status, v_currency, v_internal, v_epoch, v_partition
      FROM (SELECT b.* FROM unnest(p_account) AS a (id) JOIN balances_balance b ON b.account_id = a.id
             ORDER BY b.account_id FOR NO KEY UPDATE OF b) b;
    IF v_accounts > 0 AND coalesce(cardinality(v_balance), 0) <> v_accounts THEN
        RAISE EXCEPTION 'an account has no balance row' USING ERRCODE = 'NU008';
    END IF;
    v_start := v_balance;
    v_version_start := v_version;

    -- Ownership is read in a later statement than the locks: a statement's snapshot is older than the lock it waited for.
    IF EXISTS (SELECT 1 FROM balances_partition p WHERE p.mode <> 'SAFE') AND EXISTS (
        SELECT 1 FROM unnest(v_epoch, v_partition) AS o (epoch, part)
          JOIN balances_partition p ON p.id = o.part AND p.mode <> 'SAFE' AND p.epoch = o.epoch
    ) THEN
        RAISE EXCEPTION 'an account is owned by the engine' USING ERRCODE = 'NU002';
    END IF;

    -- Joins, not `= ANY (array)`: where PostgreSQL scans the table for that, it searches the array for each of its rows.
    SELECT array_agg(k.transaction_id), array_agg(k.fingerprint), array_agg(k.outcome), array_agg(k.journal_id)
      INTO v_known, v_known_print, v_known_outcome, v_known_journal
      FROM unnest(p_transaction) AS t (id) JOIN balances_transaction_key k ON k.transaction_id = t.id;

    outcome := array_fill(''::text, ARRAY[v_items]);
    journal := array_fill(NULL::bigint, ARRAY[v_items]);
    replayed := array_fill(false, ARRAY[v_items]);

    FOR v_item IN 1 .. v_items LOOP
        v_first := v_leg;
        IF v_known IS NOT NULL THEN
            v_at := array_position(v_known, p_transaction[v_item]);
            IF v_at IS NOT NULL THEN
                IF v_known_print[v_at] = p_fingerprint[v_item] THEN
                    outcome[v_item] := v_known_outcome[v_at];
                    journal[v_item] := v_known_journal[v_at];
                ELSE
                    outcome[v_item] := 'REUSED';
                END IF;
                replayed[v_item] := true;
                v_refused := v_refused OR outcome[v_item] <> 'OK';
                WHILE v_leg <= v_legs AND p_leg_item[v_leg] = v_item LOOP v_leg := v_leg + 1; END LOOP;
                CONTINUE;
            END IF;
        END IF;

        v_result := 'OK';
        v_entry := nextval('ledger_journal_id_seq');
        v_day := coalesce(p_business_date[v_item], today);
        v_new_items := v_new_items + 1;
        IF v_day > today THEN
            RAISE EXCEPTION 'the business date lies after the open day %', today USING ERRCODE = 'NU004';
        END IF;
        IF p_reverses[v_item] IS NOT NULL AND EXISTS (
            SELECT 1 FROM ledger_journal j WHERE j.reverses_id = p_reverses[v_item] AND j.outcome = 'OK'
        ) THEN
            v_result := 'REVERSED';
        ELSIF p_reverses[v_item] IS NOT NULL THEN
            -- Twice in one call: the first of them is not in the journal yet.
            FOR v_earlier IN 1 .. v_item - 1 LOOP
                IF p_reverses[v_earlier] = p_reverses[v_item] AND outcome[v_earlier] = 'OK' THEN
                    v_result := 'REVERSED';
                END IF;
            END LOOP;
        END IF;
        WHILE v_leg <= v_legs AND p_leg_item[v_leg] = v_item LOOP
            IF v_result = 'OK' THEN
                v_at := p_leg_account[v_leg];
                v_amount := p_leg_amount[v_leg];
                v_new := v_balance[v_at] + v_amount;
                IF v_status[v_at] = 'X' THEN
                    v_result := 'CLOSED';
                ELSIF v_currency[v_at] <> p_leg_currency[v_leg] THEN
                    v_result := 'CCY';
                ELSIF v_status[v_at] = 'F' OR (v_status[v_at] = 'D' AND v_amount < 0)
                      OR (v_status[v_at] = 'C' AND v_amount > 0) THEN
                    v_result := 'FROZEN';
                ELSIF abs(v_amount) > 10000000000000 OR abs(v_new) > 9000000000000000 THEN
                    v_result := 'LIMIT';
                ELSIF v_amount < 0 AND NOT v_internal[v_at] AND NOT p_overdraw
                      AND v_new - v_held[v_at] + v_limit[v_at] < 0 THEN
                    v_result := 'NSF';
                ELSE
                    v_before[v_leg] := v_balance[v_at];
                    v_after[v_leg] := v_new;
                    v_balance[v_at] := v_new;
                    v_version[v_at] := v_version[v_at] + 1;
                    v_leg_version[v_leg] := v_version[v_at];
                    v_lines[v_item] := v_lines[v_item] + 1;
                    v_line_no[v_leg] := v_lines[v_item];
                    v_leg_entry[v_leg] := v_entry;
                    v_line_account[v_leg] := p_account[v_at];
                    v_line_date[v_leg] := v_day;
                END IF;
            END IF;
            v_leg := v_leg + 1;
        END LOOP;
        IF v_result <> 'OK' THEN
            -- Undo this item's legs in memory, last first.
            FOR v_undo IN REVERSE v_first + v_lines[v_item] - 1 .. v_first LOOP
                v_at := p_leg_account[v_undo];
                v_balance[v_at] := v_before[v_undo];
                v_version[v_at] := v_version[v_at] - 1;
                v_leg_entry[v_undo] := NULL;
            END LOOP;
            v_lines[v_item] := 0;
            v_refused := true;
        END IF;
        outcome[v_item] := v_result;
        journal[v_item] := v_entry;
    END LOOP;

    IF p_atomic AND v_refused THEN
        v_balance := v_start;
        v_version := v_version_start;
        v_leg_entry := array_fill(NULL::bigint, ARRAY[v_legs]);
        FOR v_item IN 1 .. v_items LOOP
            IF outcome[v_item] = 'OK' AND NOT replayed[v_item] THEN
                outcome[v_item] := 'BATCH';
                v_lines[v_item] := 0;
            END IF;
        END LOOP;
    END IF;
    balance_after := v_balance;
    booked_at := clock_timestamp();
    IF v_new_items = 0 THEN
        RETURN;
    END IF;

    INSERT INTO ledger_journal (
        id, transaction_id, kind, outcome, line_count, business_date, value_date, booked_at, client_timestamp, actor,
        correlation_id, channel, description, counterparty, reference, reverses_id, partition, epoch)
    SELECT t.journal, t.transaction, t.kind, t.outcome, t.lines, coalesce(t.business, today),
           coalesce(t.value, t.business, today), booked_at, t.client_timestamp, p_actor,
           p_correlation, t.channel, t.description, t.counterparty, t.reference, t.reverses, 0, 0
      FROM unnest(journal, p_transaction, p_kind, outcome, v_lines, p_business_date, p_value_date, p_client_timestamp,
                  p_channel, p_description, p_counterparty, p_reference, p_reverses, replayed)
        AS t (journal, transaction, kind, outcome, lines, business, value, client_timestamp,
              channel, description, counterparty, reference, reverses, replayed)
     WHERE NOT t.replayed;

    INSERT INTO ledger_line (
        journal_id, line_no, account_id, currency, side, amount, balance_before, balance_after, account_version,
        business_date)
    SELECT l.entry, l.line_no, l.account, l.currency, CASE WHEN l.amount > 0 THEN 'C' ELSE 'D' END, abs(l.amount),
           l.before, l.after, l.version, l.day
      FROM unnest(v_leg_entry, v_line_no, v_line_account, p_leg_currency, p_leg_amount, v_before, v_after,
                  v_leg_version, v_line_date)
        AS l (entry, line_no, account, currency, amount, before, after, version, day)
     WHERE l.entry IS NOT NULL;

    INSERT INTO balances_transaction_key (transaction_id, client_id, idempotency_key, fingerprint, outcome, journal_id)
    SELECT t.transaction, p_client, t.key, t.print, t.outcome, t.journal
      FROM unnest(p_transaction, p_key, p_fingerprint, outcome, journal, replayed)
        AS t (transaction, key, print, outcome, journal, replayed)
     WHERE NOT t.replayed
     ORDER BY t.transaction  -- two calls with the same keys wait for each other in one order
        ON CONFLICT (transaction_id) DO NOTHING;
    GET DIAGNOSTICS v_written = ROW_COUNT;
    IF v_written <> v_new_items THEN
        RAISE EXCEPTION 'the same key was used at the same moment' USING ERRCODE = '40001';
    END IF;

    PERFORM set_config('numina.door', 'open', true);
    UPDATE balances_balance b
       SET balance = t.balance, version = t.version, database_until = NULL,
           overdraft_limit = CASE WHEN p_overdraw AND NOT t.internal
                                  THEN greatest(b.overdraft_limit, b.held - t.balance) ELSE b.overdraft_limit END
      FROM unnest(p_account, v_balance, v_version, v_version_start, v_internal)
        AS t (account, balance, version, version_start, internal)
     WHERE b.account_id = t.account AND t.version <> t.version_start AND b.version = t.version_start;
    GET DIAGNOSTICS v_written = ROW_COUNT;
    PERFORM set_config('numina.door', '', true);
    v_expected := 0;
    FOR v_account IN 1 .. v_accounts LOOP
        IF v_version[v_account] <> v_version_start[v_account] THEN
            v_expected := v_expected + 1;
        END IF;
    END LOOP;
    IF v_written <> v_expected THEN
        RAISE EXCEPTION 'a balance changed its version under its lock' USING ERRCODE = '40001';
    END IF;
END;
$$;
