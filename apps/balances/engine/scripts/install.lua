-- Put accounts that the database gave to the engine into memory. A value read under a token replaces only an older one.
--
-- KEYS[1] {pN}:m    ARGV epoch, then: account, token, bal, held, od, st, ccy, 1 if internal, ver.
-- Answers {EPOCH} | {DONE, written}.
local m = KEYS[1]
local epoch = ARGV[1]
if redis.call('HGET', m, 'epoch') ~= epoch then
  return {'EPOCH'}
end
local base, written = string.sub(m, 1, -2) .. epoch .. ':a:', 0
for at = 2, #ARGV, 9 do
  local key, token = base .. ARGV[at], tonumber(ARGV[at + 1])
  local packed = redis.call('GET', key)
  if not packed or cmsgpack.unpack(packed)[10] < token then
    redis.call('SET', key, cmsgpack.pack({  -- without a time to live
      tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), ARGV[at + 5], ARGV[at + 6],
      tonumber(ARGV[at + 7]), tonumber(ARGV[at + 8]), 0, 0, token}))
    written = written + 1
  end
end
return {'DONE', written}
