-- The start of a journaler's transaction in one call. Lock order: business day (advisory 7003, shared), partition row; ids
-- are drawn after both. Each statement of the function sees what was committed before it began.
CREATE FUNCTION balances_journal_open(p_partition int, p_count int)
    RETURNS TABLE (mode text, epoch bigint, head_seq bigint, head_hash text, flips bigint, ids bigint[], booked_at text,
                   today text)
    LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7003);
    SELECT p.mode, p.epoch, p.head_seq, p.head_hash, p.flips INTO mode, epoch, head_seq, head_hash, flips
      FROM balances_partition p WHERE p.id = p_partition FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT array_agg(nextval('ledger_journal_id_seq')) INTO ids FROM generate_series(1, p_count);
    SELECT clock_timestamp()::text, d.current::text INTO booked_at, today FROM ledger_businessdate d;
    RETURN NEXT;
END;
$$;
