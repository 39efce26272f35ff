SELECT count(*) FROM pgledger_create_transfers(ARRAY(
    SELECT (s.id, d.id, 1)::transfer_request
      FROM (SELECT floor(random() * 1000)::int + 1 AS one, floor(random() * 1000)::int + 1001 AS two
              FROM generate_series(1, 1000)) t
      JOIN bench_account s ON s.n = t.one JOIN bench_account d ON d.n = t.two));
