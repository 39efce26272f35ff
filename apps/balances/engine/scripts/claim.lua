-- Send transactions to the database path for good, unless the engine has them already.
--
-- KEYS[1] {pN}:m    ARGV epoch, 1 while the epoch is alive, seconds of a mark, entries a drawer of marks, then:
-- transaction, fingerprint. Answers {EPOCH} | {DONE, 'CLAIMED' or 'DUP' of each}. Without {pN}:m there is no engine, and
-- every claim succeeds.
local m = KEYS[1]
local prefix = string.sub(m, 1, -2)
local head = redis.call('HMGET', m, 'epoch', 'seq')
if head[1] and head[1] ~= ARGV[1] then
  return {'EPOCH'}
end
local drawer = head[2] and math.floor(tonumber(head[2]) / ARGV[4]) or -1
local answer = {'DONE'}
for at = 5, #ARGV, 2 do
  local executed = false
  for d = drawer, math.max(0, drawer - 2), -1 do
    executed = executed or redis.call('HGET', prefix .. ARGV[1] .. ':i:' .. d, ARGV[at])
  end
  if ARGV[2] == '1' and executed then
    answer[#answer + 1] = 'DUP'
  else
    redis.call('SET', prefix .. 'd:' .. ARGV[at], ARGV[at + 1], 'EX', ARGV[3])
    answer[#answer + 1] = 'CLAIMED'
  end
end
return answer
