import { HOUR_MS, KEPT_HOURS, SEQUENCE_TTL_MS } from "../../traffic.ts";

/** Longer than the buckets count, since the batch that begins a new hour takes the oldest away without a pause; this is for hours without one. */
const HOUR_TTL_SECONDS = ((KEPT_HOURS + 2) * HOUR_MS) / 1_000;

const COUNTER_FUNCTIONS = `
local suffixes = {':tu', ':td', ':uu', ':ud'}

-- Adds the four counts in ARGV from 'at' on; true when the subject had none before.
local function add(hash, field, at)
  local isNew = false
  for i = 1, 4 do
    local count = ARGV[at + i - 1]
    if count ~= '0' and redis.call('HINCRBY', hash, field .. suffixes[i], count) == tonumber(count) then isNew = true end
  end
  return isNew
end

local function read(hash, field)
  return redis.call('HMGET', hash, field .. ':tu', field .. ':td', field .. ':uu', field .. ':ud')
end

local function generation_of(meta, if_new)
  redis.call('HSETNX', meta, 'generation', if_new)
  return redis.call('HGET', meta, 'generation')
end
`;

/**
 * Applies deltas OFFSET to NEXT of a batch, if they are what comes next.
 * KEYS: meta, sequence, totals, key ids, hour, hour to forget.
 * ARGV: generation if new, sequence, offset, next ('all' behind the last), start of the hour, number of access keys, then id and four counts of each, then
 * subject and four counts of each port, of the relay and of the fleet.
 * Returns 'applied', 'duplicate', 'closed:MS' with the first hour that is open, or the offset that is expected instead.
 */
const applyTraffic = `${COUNTER_FUNCTIONS}
local known = redis.call('GET', KEYS[2])
local sequence, last, done = tonumber(ARGV[2]), 0, 'all'
if known then
  last, done = string.match(known, '^(%d+):(%w+)$')
  last = tonumber(last)
end
if last > sequence or (last == sequence and done == 'all') then return 'duplicate' end
local expected = last == sequence and done or '0'
if expected ~= ARGV[3] then return expected end
local closed = redis.call('HGET', KEYS[1], 'closed')
if closed and tonumber(closed) > tonumber(ARGV[5]) then return 'closed:' .. closed end
generation_of(KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2] .. ':' .. ARGV[4], 'PX', ${SEQUENCE_TTL_MS})
local at = 7
for _ = 1, tonumber(ARGV[6]) do
  local id = ARGV[at]
  if add(KEYS[3], 'key:' .. id, at + 1) then redis.call('ZADD', KEYS[4], 0, id) end
  add(KEYS[5], id, at + 1)
  at = at + 5
end
while at < #ARGV do
  add(KEYS[3], ARGV[at], at + 1)
  at = at + 5
end
if redis.call('TTL', KEYS[5]) == -1 then
  redis.call('EXPIRE', KEYS[5], ${HOUR_TTL_SECONDS})
  redis.call('UNLINK', KEYS[6])
end
return 'applied'
`;

/**
 * KEYS: meta, totals, marks. ARGV: generation if new, subjects. Returns the generation, then four counts and the mark of each; null is none.
 */
const readTraffic = `${COUNTER_FUNCTIONS}
local found = {generation_of(KEYS[1], ARGV[1])}
for at = 2, #ARGV do
  for _, count in ipairs(read(KEYS[2], ARGV[at])) do found[#found + 1] = count end
  found[#found + 1] = redis.call('HGET', KEYS[3], ARGV[at])
end
return found
`;

/** KEYS: totals, marks. ARGV: subject, time. */
const resetTraffic = `${COUNTER_FUNCTIONS}
local counts = read(KEYS[1], ARGV[1])
for i = 1, 4 do counts[i] = counts[i] or '0' end
redis.call('HSET', KEYS[2], ARGV[1], table.concat(counts, ',') .. ',' .. ARGV[2])
return 1
`;

/**
 * Gives subjects back what an earlier life of the store had counted. A mark set since then is kept, but knew nothing of that: it is raised.
 * KEYS: meta, totals, marks, key ids, restored. ARGV: generation if new, then of each subject: its name, access key id or '', the generation of
 * its totals, four counts, mark or ''.
 */
const restoreTraffic = `${COUNTER_FUNCTIONS}
local generation = generation_of(KEYS[1], ARGV[1])
for at = 2, #ARGV, 8 do
  local subject, keyId = ARGV[at], ARGV[at + 1]
  if ARGV[at + 2] ~= generation and redis.call('HSETNX', KEYS[5], subject, 1) == 1 then
    add(KEYS[2], subject, at + 3)
    if keyId ~= '' then redis.call('ZADD', KEYS[4], 0, keyId) end
    local mark = redis.call('HGET', KEYS[3], subject)
    if mark then
      local parts = {}
      for part in string.gmatch(mark, '%d+') do parts[#parts + 1] = part end
      for i = 1, 4 do parts[i] = string.format('%.0f', parts[i] + ARGV[at + 2 + i]) end
      redis.call('HSET', KEYS[3], subject, table.concat(parts, ','))
    elseif ARGV[at + 7] ~= '' then
      redis.call('HSET', KEYS[3], subject, ARGV[at + 7])
    end
  end
end
return 1
`;

/**
 * A step through an hour. KEYS: hour. ARGV: cursor, about how many fields. Returns the next cursor, and fields and values on a line each: one text is
 * read many times as fast as as many replies.
 */
const scanHour = `
local found = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
return {found[1], table.concat(found[2], '\\n')}
`;

/** KEYS: meta. ARGV: how long ago an hour must have ended, ms. Returns the start of the first hour that is open. */
const closeHours = `
local time = redis.call('TIME')
local ended = time[1] * 1000 - tonumber(ARGV[1])
local before = string.format('%.0f', ended - ended % ${HOUR_MS})
local closed = redis.call('HGET', KEYS[1], 'closed')
if closed and tonumber(closed) >= tonumber(before) then return closed end
redis.call('HSET', KEYS[1], 'closed', before)
return before
`;

export const TRAFFIC_SCRIPTS = { applyTraffic, closeHours, readTraffic, resetTraffic, restoreTraffic, scanHour };
