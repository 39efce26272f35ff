DROP FUNCTION balances_journal_open(int, int);
