-- Begin an epoch: only where there is none, or an older one.
--
-- KEYS[1] {pN}:m    ARGV epoch, nonce. Answers {DONE} | {KEPT}.
local m = KEYS[1]
local epoch = redis.call('HGET', m, 'epoch')
if epoch and tonumber(epoch) >= tonumber(ARGV[1]) then
  return {'KEPT'}
end
redis.call('DEL', m)
redis.call('HSET', m, 'epoch', ARGV[1], 'seq', '0', 'hash', ARGV[2], 'durable', '0')
return {'DONE'}
