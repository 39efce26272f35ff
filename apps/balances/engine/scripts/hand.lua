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
local base, wait, states = string.sub(m, 1, -2) .. epoch .. ':a:', 0, {}
for at = 3, #ARGV, 2 do
  local packed, wanted = redis.call('GET', base .. ARGV[at]), tonumber(ARGV[at + 1])
  local state = packed and cmsgpack.unpack(packed)
  if state and state[10] > wanted then
    return {'STALE'}
  end
  if state and state[10] == wanted then
    wait = math.max(wait, state[9])
  else  -- of an account that is not here as it should be, anything executed so far may be
    wait = tonumber(head[2])
    state = {0, 0, 0, '', '', 0, 0, 1, wait, wanted}
  end
  states[at] = state
end
for at = 3, #ARGV, 2 do
  states[at][8] = 1
  redis.call('SET', base .. ARGV[at], cmsgpack.pack(states[at]), 'EX', ARGV[2])
end
return {'DONE', wait}
