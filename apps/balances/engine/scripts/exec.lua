-- Execute transfers in their order: all of a call's accounts are here, or nothing is done.
--
-- KEYS[1] {pN}:m    ARGV epoch, longest queue, seconds of a mark, n, then n times:
--   transaction, fingerprint, facts, number of legs, and for each leg: account, amount (credit-positive), currency
-- Answers {EPOCH} | {DB} | {BUSY} | {AWAY, account, ..} | {DONE, outcome, seq, ..}; outcome may be DUP or REUSED.
-- All checks come first and all writes last: a script that fails is not rolled back.
local m = KEYS[1]
local prefix = string.sub(m, 1, -2)
local epoch = ARGV[1]
local head = redis.call('HMGET', m, 'epoch', 'seq', 'hash', 'durable')
if head[1] ~= epoch then
  return {'EPOCH'}
end
local seq, hash = tonumber(head[2]), head[3]
local count = tonumber(ARGV[4])
local base = prefix .. epoch .. ':a:'
local states, order, away, items, fresh, at = {}, {}, {'AWAY'}, {}, 0, 5

for n = 1, count do
  local item = {txn = ARGV[at], fp = ARGV[at + 1], facts = ARGV[at + 2], legs = tonumber(ARGV[at + 3]), at = at + 4}
  at = at + 4 + 3 * item.legs
  local mark = redis.call('GET', prefix .. 'i:' .. item.txn)
  if mark then
    if string.sub(mark, 1, 1) == 'D' then
      return {'DB'}
    end
    local e, s, f = string.match(mark, '^E|(%d+)|(%d+)|(.*)$')
    if e == epoch then
      item.known, item.seq = (f == item.fp) and 'DUP' or 'REUSED', tonumber(s)
    end
  end
  if not item.known then
    fresh = fresh + 1
    for leg = 0, item.legs - 1 do
      local id = ARGV[item.at + 3 * leg]
      if states[id] == nil then
        local r = redis.call('HMGET', base .. id, 'bal', 'held', 'od', 'st', 'ccy', 'kind', 'ver', 'ho')
        if not r[1] or r[8] == '1' then
          states[id] = false
          away[#away + 1] = id
        else
          states[id] = {bal = tonumber(r[1]), held = tonumber(r[2]), od = tonumber(r[3]), st = r[4], ccy = r[5],
                        internal = r[6] == 'internal', ver = tonumber(r[7])}
          order[#order + 1] = id
        end
      end
    end
  end
  items[n] = item
end
if #away > 1 then
  return away
end
if seq - tonumber(head[4]) + fresh > tonumber(ARGV[2]) then
  return {'BUSY'}
end

-- The same rules, in the same order, as balances_post and apps.balances.engine.entries.
local function refusal(s, amount, currency)
  local new = s.bal + amount
  if s.st == 'X' then return 'CLOSED' end
  if s.ccy ~= currency then return 'CCY' end
  if s.st == 'F' or (s.st == 'D' and amount < 0) or (s.st == 'C' and amount > 0) then return 'FROZEN' end
  if math.abs(amount) > 10000000000000 or math.abs(new) > 9000000000000000 then return 'LIMIT' end
  if amount < 0 and not s.internal and new - s.held + s.od < 0 then return 'NSF' end
  return nil
end

local answer, entries = {'DONE'}, {}
for n = 1, count do
  local item = items[n]
  if item.known then
    answer[2 * n], answer[2 * n + 1] = item.known, item.seq
  else
    local outcome, undo, legs, after, seen = 'OK', {}, {}, {}, {}
    for leg = 0, item.legs - 1 do
      local id, amount, currency = ARGV[item.at + 3 * leg], ARGV[item.at + 3 * leg + 1], ARGV[item.at + 3 * leg + 2]
      local s = states[id]
      legs[leg + 1] = id .. ':' .. amount .. ':' .. currency
      if outcome == 'OK' then
        local refused = refusal(s, tonumber(amount), currency)
        if refused then
          outcome = refused
        else
          undo[#undo + 1] = {s, s.bal}
          s.bal, s.ver = s.bal + tonumber(amount), s.ver + 1
          if not seen[id] then
            seen[id] = true
            after[#after + 1] = id
          end
        end
      end
    end
    if outcome ~= 'OK' then
      for u = #undo, 1, -1 do
        undo[u][1].bal, undo[u][1].ver = undo[u][2], undo[u][1].ver - 1
      end
      after = {}
    end
    seq = seq + 1
    for leg = 0, item.legs - 1 do
      states[ARGV[item.at + 3 * leg]].last = seq  -- also of a refused entry: it was read
    end
    for a = 1, #after do
      local s = states[after[a]]
      after[a] = string.format('%s:%.0f:%.0f', after[a], s.bal, s.ver)
    end
    local body = table.concat({string.format('%.0f', seq), item.txn, item.fp, table.concat(legs, ','), outcome,
                               table.concat(after, ','), item.facts}, '\31')
    hash = redis.sha1hex(hash .. body)
    entries[#entries + 1] = {seq, body, hash, item}
    answer[2 * n], answer[2 * n + 1] = outcome, seq
  end
end

if fresh > 0 then
  for _, id in ipairs(order) do
    local s = states[id]
    redis.call('HSET', base .. id, 'bal', string.format('%.0f', s.bal), 'ver', string.format('%.0f', s.ver),
               'last', string.format('%.0f', s.last))
  end
  for _, e in ipairs(entries) do
    local at_seq = string.format('%.0f', e[1])
    redis.call('XADD', prefix .. epoch .. ':s', at_seq .. '-0', 'b', e[2], 'h', e[3])
    redis.call('SET', prefix .. 'i:' .. e[4].txn, 'E|' .. epoch .. '|' .. at_seq .. '|' .. e[4].fp, 'EX', ARGV[3])
  end
  redis.call('HSET', m, 'seq', string.format('%.0f', seq), 'hash', hash)
end
return answer
