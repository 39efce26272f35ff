DROP TRIGGER balances_key_journal_check ON balances_transaction_key;
DROP FUNCTION balances_key_journal_check();
