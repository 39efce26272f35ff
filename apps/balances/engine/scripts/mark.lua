-- Say what is journaled, only if it is the same history, and forget what is long journaled.
--
-- KEYS[1] {pN}:m    ARGV epoch, seq, hash, entries to keep. Answers {EPOCH} | {OTHER} | {DONE}.
local m = KEYS[1]
local head = redis.call('HMGET', m, 'epoch', 'durable')
if head[1] ~= ARGV[1] then
  return {'EPOCH'}
end
local stream = string.sub(m, 1, -2) .. ARGV[1] .. ':s'
local found = redis.call('XRANGE', stream, ARGV[2] .. '-0', ARGV[2] .. '-0')[1]
if not found or found[2][4] ~= ARGV[3] then
  return {'OTHER'}
end
local seq = tonumber(ARGV[2])
if seq > tonumber(head[2]) then
  redis.call('HSET', m, 'durable', ARGV[2], 'since', redis.call('TIME')[1])
  local first = seq - tonumber(ARGV[4])
  if first > 0 then
    redis.call('XTRIM', stream, 'MINID', '~', string.format('%.0f-0', first))
  end
end
return {'DONE'}
