SELECT bench.transfer_batch(
    (SELECT array_agg(gen_random_uuid()) FROM generate_series(1, 1000)), array_fill('key'::text, ARRAY[1000]),
    (SELECT array_agg(1 + (random() * 999)::bigint) FROM generate_series(1, 1000)),
    (SELECT array_agg(1001 + (random() * 999)::bigint) FROM generate_series(1, 1000)),
    array_fill(1::bigint, ARRAY[1000]));
