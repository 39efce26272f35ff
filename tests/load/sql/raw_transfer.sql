\set a random(1, 1000)
\set b random(1001, 2000)
SELECT bench.transfer(gen_random_uuid(), 'key', '\x00', :a, :b, 1);
