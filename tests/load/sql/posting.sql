\set a random(:low, :middle - 1)
\set b random(:middle, :high)
SELECT (outcome)[1] FROM balances_post(
    ARRAY[gen_random_uuid()], 'bench', ARRAY['key'], ARRAY['\x00'::bytea], ARRAY['transfer'], ARRAY[NULL::date],
    ARRAY[NULL::date], ARRAY['api'], ARRAY['Rent'], ARRAY[''], ARRAY[''], ARRAY[NULL::bigint], ARRAY[NULL::timestamptz],
    NULL, 'bench', ARRAY[:a, :b]::bigint[], ARRAY[1, 1],
    ARRAY[1, 2], ARRAY['KES', 'KES'], ARRAY[-1, 1]::bigint[], false, false);
