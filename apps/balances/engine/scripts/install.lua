-- Put accounts that the database gave to the engine into memory. A value read under a token replaces only an older one.
--
-- KEYS[1] {pN}:m    ARGV epoch, then: account, token, bal, held, od, st, ccy, kind, ver. Answers {EPOCH} | {DONE, written}.
local m = KEYS[1]
local epoch = ARGV[1]
if redis.call('HGET', m, 'epoch') ~= epoch then
  return {'EPOCH'}
end
local base, written = string.sub(m, 1, -2) .. epoch .. ':a:', 0
for at = 2, #ARGV, 9 do
  local key = base .. ARGV[at]
  local token = redis.call('HGET', key, 'token')
  if not token or tonumber(token) < tonumber(ARGV[at + 1]) then
    redis.call('DEL', key)  -- and its time to live
    redis.call('HSET', key, 'token', ARGV[at + 1], 'bal', ARGV[at + 2], 'held', ARGV[at + 3], 'od', ARGV[at + 4],
               'st', ARGV[at + 5], 'ccy', ARGV[at + 6], 'kind', ARGV[at + 7], 'ver', ARGV[at + 8], 'ho', '0', 'last', '0')
    written = written + 1
  end
end
return {'DONE', written}
