-- A journaler's whole transaction in one call, for few entries: lock, compare, write, move the head, say what was decided.
-- What balances_journal_open, three COPYs and an update do, of which the starting costs more than a few entries are worth.
--
-- The entries were proved from states that are those of the books as long as (mode, epoch, head, hash, flips) of the
-- partition are these; that is compared under the row's lock. False, and nothing is written, when they are not.
-- Lock order: business day (advisory 7003, shared), partition row; ids are drawn after both.
CREATE FUNCTION balances_journal_few(
    p_partition int, p_epoch bigint, p_head bigint, p_hash text, p_flips bigint, p_last_hash text,
    p_entries jsonb, p_lines jsonb
) RETURNS boolean LANGUAGE plpgsql SET plan_cache_mode TO force_generic_plan AS $$
DECLARE
    v_ids bigint[];
    v_count constant int := jsonb_array_length(p_entries);
    v_at timestamptz;
    v_today date;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7003);
    PERFORM 1 FROM balances_partition p
      WHERE p.id = p_partition AND p.mode = 'FAST' AND p.epoch = p_epoch AND p.head_seq = p_head AND p.head_hash = p_hash
        AND p.flips = p_flips FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    v_ids := ARRAY(SELECT nextval('ledger_journal_id_seq') FROM generate_series(1, v_count));
    SELECT clock_timestamp(), d.current INTO STRICT v_at, v_today FROM ledger_businessdate d;

    INSERT INTO ledger_journal (id, outcome, line_count, business_date, booked_at, partition, epoch, seq, chain_hash,
                                value_date, transaction_id, kind, client_timestamp, actor, correlation_id, channel,
                                description, counterparty, reference)
    SELECT v_ids[e.place], e.outcome, e.line_count, v_today, v_at, p_partition, p_epoch, p_head + e.place,
           decode(e.chain, 'hex'), coalesce(e.value_date, v_today), e.transaction, e.kind, e.client_timestamp, e.actor,
           e.correlation, e.channel, e.description, e.counterparty, e.reference
      FROM jsonb_to_recordset(p_entries) AS e (
           place int, outcome text, line_count smallint, chain text, value_date date, transaction uuid, kind text,
           client_timestamp timestamptz, actor uuid, correlation text, channel text, description text,
           counterparty text, reference text);
    IF p_lines <> '[]' THEN  -- refusals alone have no lines
        INSERT INTO ledger_line (journal_id, line_no, account_id, currency, side, amount, balance_before, balance_after,
                                 account_version, business_date)
        SELECT v_ids[l.place], l.line_no, l.account, l.currency, CASE WHEN l.amount > 0 THEN 'C' ELSE 'D' END,
               abs(l.amount), l.before, l.after, l.version, v_today
          FROM jsonb_to_recordset(p_lines) AS l (
               place int, line_no smallint, account bigint, currency text, amount bigint, before bigint, after bigint,
               version bigint);
    END IF;
    INSERT INTO balances_transaction_key (transaction_id, client_id, idempotency_key, fingerprint, outcome, journal_id)
    SELECT e.transaction, e.client, e.key, decode(e.fingerprint, 'hex'), e.outcome, v_ids[e.place]
      FROM jsonb_to_recordset(p_entries) AS e (
           place int, transaction uuid, client text, key text, fingerprint text, outcome text);
    UPDATE balances_partition SET head_seq = p_head + v_count, head_hash = p_last_hash WHERE id = p_partition;

    -- Heard after the commit, and only then; a payload takes 8,000 bytes, so fifty entries each.
    PERFORM pg_notify('numina_journal', format(
               '%s %s %s %s %s', p_partition, p_epoch, p_head + v_count, (extract(epoch FROM v_at) * 1000000)::bigint,
               v_today) || string_agg(format(
               E'\n%s %s %s %s', e.transaction, e.fingerprint, e.outcome, v_ids[e.place]), ''))
      FROM jsonb_to_recordset(p_entries) AS e (place int, transaction uuid, fingerprint text, outcome text)
     GROUP BY (e.place - 1) / 50;
    RETURN true;
END;
$$;
