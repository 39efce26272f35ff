-- Execute transfers in their order: all of a call's accounts are here, or nothing is done.
--
-- KEYS[1] {pN}:m    ARGV epoch, longest queue, entries a drawer of marks, n, then n times:
--   transaction, fingerprint, facts, number of legs, and for each leg: account, amount (credit-positive), currency
-- Answers {EPOCH} | {DB} | {BUSY} | {AWAY, account, ..} | {DONE, outcome, seq, ..}; outcome may be DUP or REUSED.
-- All checks come first and all writes last: a script that fails is not rolled back.
-- Each command costs more than what it does, so accounts and marks are read and written many at a time.
local m = KEYS[1]
local prefix = string.sub(m, 1, -2)
local epoch = ARGV[1]
local head = redis.call('HMGET', m, 'epoch', 'seq', 'hash', 'durable')
if head[1] ~= epoch then
  return {'EPOCH'}
end
local seq, count, drawer_size = tonumber(head[2]), tonumber(ARGV[4]), tonumber(ARGV[3])
local base, drawers = prefix .. epoch .. ':a:', prefix .. epoch .. ':i:'
local drawer = math.floor(seq / drawer_size)
local CHUNK = 2000  -- values that a command is given at once; Lua's stack takes 8000

local function many(command, key, values)
  local found = {}
  for from = 1, #values, CHUNK do
    local to = math.min(from + CHUNK - 1, #values)
    local some
    if key then
      some = redis.call(command, key, unpack(values, from, to))
    else
      some = redis.call(command, unpack(values, from, to))
    end
    if type(some) == 'table' and #values <= CHUNK then
      return some
    end
    for n = 1, to - from + 1 do
      found[from + n - 1] = type(some) == 'table' and some[n]
    end
  end
  return found
end

-- Which of them are known already: in the database's hands (d:), or executed in this epoch (i:, the newest drawers).
local txns, sent, places, at = {}, {}, {}, 5
for n = 1, count do
  txns[n], sent[n], places[n] = ARGV[at], prefix .. 'd:' .. ARGV[at], at
  at = at + 4 + 3 * ARGV[at + 3]
end
for _, mark in ipairs(many('MGET', nil, sent)) do
  if mark then
    return {'DB'}
  end
end
local known, fresh = {}, count
for d = drawer, math.max(0, drawer - 2), -1 do
  local marks = many('HMGET', drawers .. d, txns)
  for n = 1, count do
    if marks[n] and not known[n] then
      known[n], fresh = marks[n], fresh - 1
    end
  end
end

local states, ids, keys = {}, {}, {}
for n = 1, count do
  if not known[n] then
    local first = places[n] + 4
    for leg = first, first + 3 * (ARGV[first - 1] - 1), 3 do
      local id = ARGV[leg]
      if states[id] == nil then
        states[id] = false
        ids[#ids + 1], keys[#keys + 1] = id, base .. id
      end
    end
  end
end
local away = {'AWAY'}
for n, packed in ipairs(many('MGET', nil, keys)) do
  local state = packed and cmsgpack.unpack(packed)
  if not state or state[8] == 1 then
    away[#away + 1] = ids[n]
  else
    states[ids[n]] = state  -- bal, held, od, st, ccy, internal, ver, ho, last, token
  end
end
if #away > 1 then
  return away
end
if seq - tonumber(head[4]) + fresh > tonumber(ARGV[2]) then
  return {'BUSY'}
end

-- The same rules, in the same order, as balances_post and apps.balances.engine.entries.
local abs, format = math.abs, string.format
local function refusal(s, amount, currency)
  local new, st = s[1] + amount, s[4]
  if st == 'X' then return 'CLOSED' end
  if s[5] ~= currency then return 'CCY' end
  if st == 'F' or (st == 'D' and amount < 0) or (st == 'C' and amount > 0) then return 'FROZEN' end
  if abs(amount) > 10000000000000 or abs(new) > 9000000000000000 then return 'LIMIT' end
  if amount < 0 and s[6] ~= 1 and new - s[2] + s[3] < 0 then return 'NSF' end
  return nil
end

local function after_text(first, last)
  local after, seen = {}, {}
  for leg = first, last, 3 do
    local id = ARGV[leg]
    if not seen[id] then
      seen[id] = true
      after[#after + 1] = format('%s:%d:%d', id, states[id][1], states[id][7])
    end
  end
  return table.concat(after, ',')
end

local answer, page, marks = {'DONE'}, {}, {}
for n = 1, count do
  local place = places[n]
  if known[n] then
    local at_seq, print = string.match(known[n], '^(%d+)|(.*)$')
    answer[2 * n], answer[2 * n + 1] = print == ARGV[place + 1] and 'DUP' or 'REUSED', tonumber(at_seq)
  else
    local first = place + 4
    local last = first + 3 * (ARGV[place + 3] - 1)
    local outcome, legs, done = 'OK', '', first - 3
    seq = seq + 1
    for leg = first, last, 3 do
      local id, amount, currency = ARGV[leg], ARGV[leg + 1], ARGV[leg + 2]
      local s = states[id]
      s[9] = seq  -- also of a refused entry: it was read
      legs = legs .. (leg == first and '' or ',') .. id .. ':' .. amount .. ':' .. currency
      if outcome == 'OK' then
        amount = tonumber(amount)
        local refused = refusal(s, amount, currency)
        if refused then
          outcome = refused
        else
          s[1], s[7], done = s[1] + amount, s[7] + 1, leg
        end
      end
    end
    local after = ''
    if outcome == 'OK' then
      after = after_text(first, last)
    else
      for leg = first, done, 3 do
        local s = states[ARGV[leg]]
        s[1], s[7] = s[1] - ARGV[leg + 1], s[7] - 1
      end
    end
    page[#page + 1] = format('%d\31%s\31%s\31', seq, outcome, after) .. ARGV[place] .. '\31' .. ARGV[place + 1] ..
      '\31' .. legs .. '\31' .. ARGV[place + 2]
    marks[#marks + 1] = ARGV[place]
    marks[#marks + 1] = format('%d|', seq) .. ARGV[place + 1]
    answer[2 * n], answer[2 * n + 1] = outcome, seq
  end
end

if fresh > 0 then
  local body, at_seq, values = table.concat(page, '\30'), format('%d', seq), {}
  for n = 1, #ids do
    values[2 * n - 1], values[2 * n] = keys[n], cmsgpack.pack(states[ids[n]])
  end
  many('MSET', nil, values)
  many('HSET', drawers .. drawer, marks)
  local hash = redis.sha1hex(head[3] .. body)
  redis.call('XADD', prefix .. epoch .. ':s', at_seq .. '-0', 'b', body, 'h', hash)
  redis.call('HSET', m, 'seq', at_seq, 'hash', hash)
  if seq - fresh == tonumber(head[4]) then  -- nothing waited for the journal: from now on something does
    redis.call('HSET', m, 'since', redis.call('TIME')[1])
  end
  if drawer > 1 and math.floor(seq / drawer_size) > drawer then
    redis.call('UNLINK', drawers .. (drawer - 2))  -- journaled long ago: the books know them
  end
end
return answer
