-- The engine's side of the books: accounts change hands, journaled entries are posted, a partition ends its epoch.
-- Lock order: poster (advisory 7002), partition row, balances by id. Each statement of a function sees what was committed
-- before it began, so what depends on a lock is read in a statement after the one that took it.

INSERT INTO balances_partition (id, mode, epoch, nonce, head_seq, head_hash, flips, fenced_why, changed_at)
VALUES (1, 'SAFE', 0, '', 0, '', 0, '', now()) ON CONFLICT (id) DO NOTHING;
INSERT INTO balances_partitionpost (partition_id, epoch, posted_seq) VALUES (1, 0, 0) ON CONFLICT DO NOTHING;

-- Newest journaled state of accounts: the row, or the last line where that is not posted yet. A line raises the version
-- by one, so it is not posted if and only if its version is above the row's.
CREATE FUNCTION balances_live(p_accounts bigint[])
    RETURNS TABLE (account_id bigint, partition_id smallint, owner_epoch bigint, token bigint, balance bigint, held bigint,
                   overdraft_limit bigint, status text, currency text, kind text, version bigint)
    LANGUAGE sql STABLE AS $$
    SELECT b.account_id, b.partition_id, b.owner_epoch, b.token, coalesce(l.balance_after, b.balance), b.held,
           b.overdraft_limit, b.status, b.currency, b.kind, coalesce(l.account_version, b.version)
      FROM unnest(p_accounts) AS a (id) JOIN balances_balance b ON b.account_id = a.id
      LEFT JOIN LATERAL (
          SELECT n.balance_after, n.account_version
            FROM (SELECT i.balance_after, i.account_version FROM ledger_line i
                   WHERE i.account_id = b.account_id AND b.owner_epoch <> 0
                   ORDER BY i.account_id, i.journal_id DESC, i.account_version DESC LIMIT 1) n
           WHERE n.account_version > b.version) l ON true;
$$;

-- Give accounts to the engine, and say what they hold. Reserved ones are left out; those taken before are named again.
CREATE FUNCTION balances_take(p_partition int, p_epoch bigint, p_accounts bigint[])
    RETURNS TABLE (account_id bigint, token bigint, balance bigint, held bigint, overdraft_limit bigint, status text,
                   currency text, kind text, version bigint)
    LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true), set_config('lock_timeout', '200ms', true);
    PERFORM 1 FROM balances_balance b
      WHERE b.account_id = ANY (p_accounts) AND b.partition_id = p_partition AND b.owner_epoch <> p_epoch
      ORDER BY b.account_id FOR NO KEY UPDATE;
    UPDATE balances_balance b SET owner_epoch = p_epoch, token = b.token + 1
      FROM balances_partition p
     WHERE p.id = p_partition AND p.mode = 'FAST' AND p.epoch = p_epoch AND b.partition_id = p_partition
       AND b.account_id = ANY (p_accounts) AND b.owner_epoch < p_epoch
       AND coalesce(b.database_until, '-infinity') < clock_timestamp();
    RETURN QUERY
        SELECT v.account_id, v.token, v.balance, v.held, v.overdraft_limit, v.status, v.currency, v.kind, v.version
          FROM balances_live(p_accounts) v
         WHERE v.partition_id = p_partition AND v.owner_epoch = p_epoch
           AND EXISTS (SELECT 1 FROM balances_partition p
                        WHERE p.id = p_partition AND p.mode = 'FAST' AND p.epoch = p_epoch);
END;
$$;

-- Take accounts back from the engine: those still under the token that was handed over, with nothing left to post.
CREATE FUNCTION balances_flip(p_partition int, p_epoch bigint, p_accounts bigint[], p_tokens bigint[], p_reserve interval)
    RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    v_flipped int;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true), set_config('lock_timeout', '100ms', true);
    PERFORM 1 FROM balances_partition p WHERE p.id = p_partition AND p.mode = 'FAST' AND p.epoch = p_epoch FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    PERFORM 1 FROM balances_balance b WHERE b.account_id = ANY (p_accounts) ORDER BY b.account_id FOR NO KEY UPDATE;
    UPDATE balances_balance b SET owner_epoch = 0, database_until = clock_timestamp() + p_reserve
      FROM unnest(p_accounts, p_tokens) AS h (account, token)
     WHERE b.account_id = h.account AND b.token = h.token AND b.owner_epoch = p_epoch AND b.partition_id = p_partition
       AND NOT EXISTS (SELECT 1 FROM balances_live(ARRAY[b.account_id]) v WHERE v.version <> b.version);
    GET DIAGNOSTICS v_flipped = ROW_COUNT;
    IF v_flipped > 0 THEN
        UPDATE balances_partition SET flips = flips + 1 WHERE id = p_partition;
    END IF;
    RETURN v_flipped;
END;
$$;

-- Post: add journaled amounts to the balances, whole entries in their order. Returns how many entries, -1 while another
-- posts. Raises NU009 when lines and balance do not fit: then nothing is posted, and people must look.
CREATE FUNCTION balances_post_journaled(p_partition int, p_limit int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    v_epoch bigint; v_posted bigint; v_last bigint; v_written int;
    v_accounts bigint[]; v_amounts numeric[]; v_lines bigint[]; v_versions bigint[]; v_balances bigint[];
BEGIN
    IF NOT pg_try_advisory_xact_lock(7002, p_partition) THEN
        RETURN -1;
    END IF;
    SELECT epoch, posted_seq INTO STRICT v_epoch, v_posted FROM balances_partitionpost WHERE partition_id = p_partition;
    SELECT max(seq) INTO v_last
      FROM (SELECT j.seq FROM ledger_journal j
             WHERE j.partition = p_partition AND j.epoch = v_epoch AND j.seq > v_posted AND j.seq IS NOT NULL
             ORDER BY j.seq LIMIT p_limit) e;
    IF v_last IS NULL THEN
        RETURN 0;
    END IF;
    SELECT array_agg(t.account_id), array_agg(t.amount), array_agg(t.lines), array_agg(t.last_version),
           array_agg(t.last_balance)
      INTO v_accounts, v_amounts, v_lines, v_versions, v_balances
      FROM (SELECT l.account_id, sum(CASE l.side WHEN 'C' THEN l.amount ELSE -l.amount END) AS amount, count(*) AS lines,
                   max(l.account_version) AS last_version,
                   (array_agg(l.balance_after ORDER BY l.account_version DESC))[1] AS last_balance
              FROM ledger_journal j JOIN ledger_line l ON l.journal_id = j.id
             WHERE j.partition = p_partition AND j.epoch = v_epoch AND j.seq > v_posted AND j.seq <= v_last
             GROUP BY l.account_id) t;
    IF v_accounts IS NOT NULL THEN  -- refusals alone have no lines
        PERFORM 1 FROM balances_balance b WHERE b.account_id = ANY (v_accounts) ORDER BY b.account_id FOR NO KEY UPDATE;
        PERFORM set_config('numina.door', 'open', true);
        UPDATE balances_balance b SET balance = t.last_balance, version = t.last_version
          FROM unnest(v_accounts, v_amounts, v_lines, v_versions, v_balances)
            AS t (account, amount, lines, last_version, last_balance)
         WHERE b.account_id = t.account AND b.version + t.lines = t.last_version
           AND b.balance + t.amount = t.last_balance AND b.owner_epoch = v_epoch AND b.partition_id = p_partition;
        GET DIAGNOSTICS v_written = ROW_COUNT;
        PERFORM set_config('numina.door', '', true);
        IF v_written <> cardinality(v_accounts) THEN
            RAISE EXCEPTION 'journaled entries of partition % after % do not fit the balances', p_partition, v_posted
                USING ERRCODE = 'NU009';
        END IF;
    END IF;
    UPDATE balances_partitionpost SET posted_seq = v_last, posted_at = clock_timestamp() WHERE partition_id = p_partition;
    RETURN v_last - v_posted;
END;
$$;

-- End a FAST period at once. From this commit on no entry of the epoch can be journaled. False when it ended before.
CREATE FUNCTION balances_fence(p_partition int, p_epoch bigint, p_why text, p_hold text, p_actor uuid)
    RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_head bigint;
BEGIN
    UPDATE balances_partition SET mode = 'DRAIN', fenced_why = p_why, hold = coalesce(p_hold, hold), changed_at = clock_timestamp()
     WHERE id = p_partition AND mode = 'FAST' AND epoch = p_epoch RETURNING head_seq INTO v_head;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO balances_partition_event (partition_id, event, epoch, head_seq, why, actor)
    VALUES (p_partition, 'fenced', p_epoch, v_head, p_why, p_actor);
    PERFORM pg_notify('numina_engine', p_partition::text);
    RETURN true;
END;
$$;

-- DRAIN ends when everything journaled is posted.
CREATE FUNCTION balances_to_safe(p_partition int) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_part balances_partition;
BEGIN
    SELECT * INTO v_part FROM balances_partition WHERE id = p_partition AND mode = 'DRAIN' FOR UPDATE;
    IF NOT FOUND OR NOT EXISTS (
        SELECT 1 FROM balances_partitionpost WHERE partition_id = p_partition AND epoch = v_part.epoch
           AND posted_seq = v_part.head_seq) THEN
        RETURN false;
    END IF;
    UPDATE balances_partition SET mode = 'SAFE', changed_at = clock_timestamp() WHERE id = p_partition;
    INSERT INTO balances_partition_event (partition_id, event, epoch, head_seq)
    VALUES (p_partition, 'safe', v_part.epoch, v_part.head_seq);
    PERFORM pg_notify('numina_engine', p_partition::text);
    RETURN true;
END;
$$;

-- Begin the next epoch. False unless the partition is SAFE and nobody holds it back. Epochs are never used twice.
CREATE FUNCTION balances_activate(p_partition int, p_nonce text, p_actor uuid) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_epoch bigint;
BEGIN
    UPDATE balances_partition
       SET mode = 'FAST', epoch = epoch + 1, nonce = p_nonce, head_seq = 0, head_hash = p_nonce, fenced_why = '',
           changed_at = clock_timestamp()
     WHERE id = p_partition AND id <> 0 AND mode = 'SAFE' AND hold IS NULL RETURNING epoch INTO v_epoch;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE balances_partitionpost SET epoch = v_epoch, posted_seq = 0, posted_at = clock_timestamp()
     WHERE partition_id = p_partition;
    INSERT INTO balances_partition_event (partition_id, event, epoch, actor)
    VALUES (p_partition, 'activated', v_epoch, p_actor);
    PERFORM pg_notify('numina_engine', p_partition::text);
    RETURN v_epoch;
END;
$$;
