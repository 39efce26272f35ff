-- Send transactions to the database path for good, unless the engine has them already.
--
-- KEYS[1] {pN}:m    ARGV epoch, 1 while the epoch is alive, seconds of a mark, then: transaction, fingerprint
-- Answers {EPOCH} | {DONE, 'CLAIMED' or 'DUP' of each}. Without {pN}:m there is no engine, and every claim succeeds.
local m = KEYS[1]
local epoch = redis.call('HGET', m, 'epoch')
if epoch and epoch ~= ARGV[1] then
  return {'EPOCH'}
end
local prefix, answer = string.sub(m, 1, -2) .. 'i:', {'DONE'}
local mine = 'E|' .. ARGV[1] .. '|'
for at = 4, #ARGV, 2 do
  local mark = redis.call('GET', prefix .. ARGV[at])
  if ARGV[2] == '1' and mark and string.sub(mark, 1, #mine) == mine then
    answer[#answer + 1] = 'DUP'
  else
    redis.call('SET', prefix .. ARGV[at], 'D|' .. ARGV[at + 1], 'EX', ARGV[3])
    answer[#answer + 1] = 'CLAIMED'
  end
end
return answer
