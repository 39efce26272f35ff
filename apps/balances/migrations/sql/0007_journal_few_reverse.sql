DROP FUNCTION balances_journal_few(int, bigint, bigint, text, bigint, text, jsonb, jsonb);
