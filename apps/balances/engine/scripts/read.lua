-- The state of accounts, all at one moment.
--
-- KEYS[1] {pN}:m    ARGV epoch, then: account. Answers {EPOCH} | {DONE, seq, durable, state of each or nil};
-- a state is packed: bal, held, od, st, ccy, internal, ver, ho, last, token.
local m = KEYS[1]
local head = redis.call('HMGET', m, 'epoch', 'seq', 'durable')
if head[1] ~= ARGV[1] then
  return {'EPOCH'}
end
local base, answer = string.sub(m, 1, -2) .. ARGV[1] .. ':a:', {'DONE', head[2], head[3]}
for at = 2, #ARGV do
  answer[at + 2] = redis.call('GET', base .. ARGV[at])
end
return answer
