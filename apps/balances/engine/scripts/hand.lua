-- Stop executing on accounts that the database wants back.
--
-- KEYS[1] {pN}:m    ARGV epoch, seconds to live, then: account, token
-- Answers {EPOCH} | {STALE} (nothing is done) | {DONE, the sequence that must be journaled first}.
local m = KEYS[1]
local epoch = ARGV[1]
local head = redis.call('HMGET', m, 'epoch', 'seq')
if head[1] ~= epoch then
  return {'EPOCH'}
end
local base, wait = string.sub(m, 1, -2) .. epoch .. ':a:', 0
for at = 3, #ARGV, 2 do
  local r = redis.call('HMGET', base .. ARGV[at], 'token', 'last')
  local token, wanted = tonumber(r[1] or '-1'), tonumber(ARGV[at + 1])
  if token > wanted then
    return {'STALE'}
  end
  -- Of an account that is not here as it should be, anything executed so far may be.
  wait = math.max(wait, token == wanted and tonumber(r[2] or head[2]) or tonumber(head[2]))
end
for at = 3, #ARGV, 2 do
  redis.call('HSET', base .. ARGV[at], 'token', ARGV[at + 1], 'ho', '1')
  redis.call('EXPIRE', base .. ARGV[at], ARGV[2])
end
return {'DONE', wait}
