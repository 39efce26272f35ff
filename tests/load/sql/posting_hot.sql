\set a random(:low + 1, :middle - 1)
\set b :low
SELECT (outcome)[1] FROM balances_post(
    ARRAY[gen_random_uuid()], 'bench', ARRAY['key'], ARRAY['\x00'::bytea], ARRAY['transfer'], ARRAY[NULL::date],
    ARRAY[NULL::date], ARRAY['api'], ARRAY['Rent'], ARRAY[''], ARRAY[''], ARRAY[NULL::bigint], ARRAY[NULL::timestamptz],
    NULL, 'bench', ARRAY[:b, :a]::bigint[], ARRAY[1, 1],
    ARRAY[2, 1], ARRAY['KES', 'KES'], ARRAY[-1, 1]::bigint[], false, false);
