\set a random(2, 1000)
SELECT bench.transfer(gen_random_uuid(), 'key', '\x00', :a, 1, 1);
