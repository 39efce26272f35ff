-- PostgreSQL has the last word on the books.

-- A line is in its account's currency: one composite key instead of two lookups.
ALTER TABLE ledger_line ADD CONSTRAINT ledger_line_account_currency
    FOREIGN KEY (account_id, currency) REFERENCES ledger_ledgeraccount (id, currency_id);

-- Append-only: no right and, behind it, a trigger.
CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: post a reversal instead', TG_TABLE_NAME USING ERRCODE = 'NU005';
END;
$$;

CREATE TRIGGER ledger_journal_append_only BEFORE UPDATE OR DELETE ON ledger_journal
    FOR EACH ROW EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_line_append_only BEFORE UPDATE OR DELETE ON ledger_line
    FOR EACH ROW EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_seal_append_only BEFORE UPDATE OR DELETE ON ledger_seal
    FOR EACH ROW EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_journal_no_truncate BEFORE TRUNCATE ON ledger_journal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_line_no_truncate BEFORE TRUNCATE ON ledger_line
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_seal_no_truncate BEFORE TRUNCATE ON ledger_seal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
REVOKE UPDATE, DELETE, TRUNCATE ON ledger_journal, ledger_line, ledger_seal FROM PUBLIC, CURRENT_USER;
-- A foreign key check locks the entry that it looks up, as the table's owner, and PostgreSQL asks for the UPDATE right on
-- some column for that. The trigger refuses the update itself.
GRANT UPDATE (id) ON ledger_journal TO CURRENT_USER;

-- Lines of an entry sum to zero per currency and are written once, all together. A statement-level trigger over the new
-- rows: in a batch it costs one pass, where a deferred row trigger would run once a line.
CREATE FUNCTION ledger_lines_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- One pass over the new lines: sums a currency, then the entry as a whole against what it says of itself.
    IF EXISTS (
        SELECT 1
          FROM (SELECT c.journal_id, bool_or(c.total <> 0) AS is_off, sum(c.lines) AS lines, min(c.low) AS low,
                       max(c.high) AS high, min(c.first_day) AS first_day, max(c.last_day) AS last_day
                  FROM (SELECT journal_id, currency, sum(CASE side WHEN 'C' THEN amount ELSE -amount END) AS total,
                               count(*) AS lines, min(line_no) AS low, max(line_no) AS high,
                               min(business_date) AS first_day, max(business_date) AS last_day
                          FROM new_lines GROUP BY journal_id, currency) c
                 GROUP BY c.journal_id) e
          LEFT JOIN ledger_journal j ON j.id = e.journal_id
         WHERE e.is_off OR e.low <> 1 OR e.high <> e.lines OR e.lines IS DISTINCT FROM j.line_count
            OR e.first_day IS DISTINCT FROM j.business_date OR e.last_day IS DISTINCT FROM j.business_date
    ) THEN
        RAISE EXCEPTION 'the lines of an entry sum to zero per currency and are written once, all together'
            USING ERRCODE = 'NU006';
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER ledger_lines_check AFTER INSERT ON ledger_line REFERENCING NEW TABLE AS new_lines
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_lines_check();

-- And no posted entry is without lines: the one thing that a statement cannot know before the transaction ends.
CREATE FUNCTION ledger_entry_has_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ledger_line WHERE journal_id = NEW.id) THEN
        RAISE EXCEPTION 'entry % was posted without lines', NEW.id USING ERRCODE = 'NU006';
    END IF;
    RETURN NULL;
END;
$$;
CREATE CONSTRAINT TRIGGER ledger_entry_has_lines AFTER INSERT ON ledger_journal DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.outcome = 'OK') EXECUTE FUNCTION ledger_entry_has_lines();

-- Nothing is written into a closed period, no refusal either.
CREATE FUNCTION ledger_journal_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM new_entries n JOIN ledger_accountingperiod p
            ON n.business_date BETWEEN p.starts_on AND p.ends_on
         WHERE p.status = 'closed'
    ) THEN
        RAISE EXCEPTION 'the accounting period is closed' USING ERRCODE = 'NU003';
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER ledger_journal_check AFTER INSERT ON ledger_journal REFERENCING NEW TABLE AS new_entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_journal_check();

-- Periods do not overlap, and a date is in one at most. (No btree_gist: a range exclusion needs none.)
ALTER TABLE ledger_accountingperiod ADD CONSTRAINT ledger_periods_do_not_overlap
    EXCLUDE USING gist (daterange(starts_on, ends_on, '[]') WITH &&);

-- The digest of an entry with its lines, over an unambiguous text that no session setting changes.
CREATE FUNCTION ledger_digests(p_after bigint, p_upto bigint)
    RETURNS TABLE (journal_id bigint, digest bytea) LANGUAGE sql STABLE AS $$
    SELECT j.id, sha256(convert_to(jsonb_build_array(
               j.id, j.transaction_id, j.kind, j.outcome, j.line_count, to_char(j.business_date, 'YYYY-MM-DD'),
               to_char(j.value_date, 'YYYY-MM-DD'), (extract(epoch FROM j.booked_at) * 1000000)::bigint,
               (extract(epoch FROM j.client_timestamp) * 1000000)::bigint, j.actor, j.correlation_id, j.channel,
               j.description, j.counterparty, j.reference, j.reverses_id, j.partition, j.epoch, j.seq,
               encode(j.chain_hash, 'hex'), l.lines)::text, 'UTF8'))
      FROM ledger_journal j
      LEFT JOIN LATERAL (
          SELECT jsonb_agg(jsonb_build_array(
                     i.line_no, i.account_id, i.currency, i.side, i.amount, i.balance_before, i.balance_after,
                     i.account_version, to_char(i.business_date, 'YYYY-MM-DD')) ORDER BY i.line_no) AS lines
            FROM ledger_line i WHERE i.journal_id = j.id) l ON true
     WHERE j.id > p_after AND j.id <= p_upto
     ORDER BY j.id;
$$;

INSERT INTO ledger_seal_state (id, last_id, head, ceiling, horizon)
VALUES (1, 0, sha256(convert_to('numina journal', 'UTF8')), 0, 0);
INSERT INTO ledger_businessdate (id, current, changed_at) VALUES (1, current_date, now());
