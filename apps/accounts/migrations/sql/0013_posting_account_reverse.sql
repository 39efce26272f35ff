DROP TRIGGER accounts_posting_account_changed ON accounts_interest_posting;
DROP TRIGGER accounts_posting_account_new ON accounts_interest_posting;
DROP FUNCTION accounts_posting_account_check();
DROP TRIGGER accounts_account_keeps_id ON accounts_account;
DROP TRIGGER accounts_account_not_deleted ON accounts_account;
DROP FUNCTION accounts_account_kept();
