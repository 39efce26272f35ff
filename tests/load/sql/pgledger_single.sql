\set a random(1, 1000)
\set b random(1001, 2000)
SELECT * FROM pgledger_create_transfer((SELECT id FROM bench_account WHERE n = :a), (SELECT id FROM bench_account WHERE n = :b), 1);
