DROP FUNCTION balances_post_pair(
    uuid, text, text, bytea, text, date, date, text, text, text, text, bigint, timestamptz, uuid, text,
    bigint, bigint, text, bigint, boolean);
DROP FUNCTION balances_leg_outcome(text, text, text, bigint, bigint, bigint, text, bigint, boolean);
