DROP FUNCTION balances_post(
    uuid[], text, text[], bytea[], text[], date[], date[], text[], text[], text[], text[], bigint[], timestamptz[],
    uuid, text, bigint[], int[], int[], text[], bigint[], boolean, boolean);
