/** Expiry goes by the server's clock: those of the fleet's machines may be apart by more than the time to live. */
export const NOW_MS = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
`;

/** KEYS: members. ARGV: id, JSON, time to live in ms. */
const putMember = `${NOW_MS}
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f ', now + ARGV[3]) .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`;

/** KEYS: members or publishers. Returns id and text of each whose expiry is still to come, and forgets the others. */
const listLive = `${NOW_MS}
local found, all = {}, redis.call('HGETALL', KEYS[1])
for at = 1, #all, 2 do
  local expiry, text = string.match(all[at + 1], '^(%d+) ?(.*)$')
  if tonumber(expiry) > now then
    found[#found + 1] = all[at]
    found[#found + 1] = text
  else
    redis.call('HDEL', KEYS[1], all[at])
  end
end
return found
`;

/**
 * KEYS: publishers, sessions, session ids, key sessions (these of one relay). ARGV: member id, time to live in ms, number of updates, then session
 * id, key id and JSON of each, then ids of closed sessions.
 */
const publishSessions = `${NOW_MS}
local publishers, sessions, ids, byKey = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local at = 4
for _ = 1, tonumber(ARGV[3]) do
  local id, keyId = ARGV[at], ARGV[at + 1]
  if redis.call('HSET', sessions, id, keyId .. '\\0' .. ARGV[at + 2]) == 1 then
    redis.call('ZADD', ids, 0, id)
    redis.call('ZADD', byKey, 0, keyId .. '\\0' .. id)
  end
  at = at + 3
end
for closed = at, #ARGV do
  local id = ARGV[closed]
  local stored = redis.call('HGET', sessions, id)
  if stored then
    redis.call('HDEL', sessions, id)
    redis.call('ZREM', ids, id)
    redis.call('ZREM', byKey, string.match(stored, '^(.-)%z') .. '\\0' .. id)
  end
end
redis.call('HSET', publishers, ARGV[1], string.format('%.0f', now + ARGV[2]))
for key = 1, 4 do redis.call('PEXPIRE', KEYS[key], ARGV[2]) end
return 1
`;

export const LIVE_SCRIPTS = { putMember, listLive, publishSessions };
