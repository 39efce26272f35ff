ALTER TABLE ledger_line ADD CONSTRAINT ledger_line_account_currency
    FOREIGN KEY (account_id, currency) REFERENCES ledger_ledgeraccount (id, currency_id);
DROP TRIGGER ledger_line_accounts_check ON ledger_line;
DROP FUNCTION ledger_line_accounts_check();
DROP TRIGGER ledger_account_no_truncate ON ledger_ledgeraccount;
DROP TRIGGER ledger_account_keeps_currency ON ledger_ledgeraccount;
DROP TRIGGER ledger_account_not_deleted ON ledger_ledgeraccount;
DROP FUNCTION ledger_account_kept();
