\set a random(:low + 1, :middle - 1)
\set b :low
SELECT outcome FROM balances_post_pair(
    gen_random_uuid(), 'bench', 'key', '\x00'::bytea, 'transfer', NULL, NULL, 'api', 'Rent', '', '', NULL, NULL, NULL,
    'bench', :a, :b, 'KES', -1, false);
