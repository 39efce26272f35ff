DROP FUNCTION balances_post_settle(bigint[], bigint[], bigint[], bigint[]);
DROP FUNCTION balances_post_open(uuid[], bigint[]);
