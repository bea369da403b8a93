import { KEPT_EVENTS, ONCE_TTL_MS } from "../../fleet-event.ts";

/** Lua function that appends an event, unless one of its name was. */
export const EVENT_FUNCTION = `
local function append_event(stream, once, body)
  if once and not redis.call('SET', once, '', 'NX', 'PX', ${ONCE_TTL_MS}) then return end
  redis.call('XADD', stream, 'MAXLEN', '~', ${KEPT_EVENTS}, '*', 'event', body)
end
`;

/** KEYS: events, then a key for each event with a name. ARGV: of each event 1 if it has a name, else 0, and JSON. */
const appendEvents = `${EVENT_FUNCTION}
local key = 2
for at = 1, #ARGV, 2 do
  local isNamed = ARGV[at] == '1'
  append_event(KEYS[1], isNamed and KEYS[key], ARGV[at + 1])
  if isNamed then key = key + 1 end
end
return 1
`;

/** KEYS: turn. ARGV: holder, time to live in ms. Returns 1 if the holder has the turn. */
const takeTurn = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;

/** KEYS: notes of one scope. ARGV: number of notes, name and text of each, then names of those to remove. */
const writeNotes = `
local at = 2
for _ = 1, tonumber(ARGV[1]) do
  redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
  at = at + 2
end
for gone = at, #ARGV do redis.call('HDEL', KEYS[1], ARGV[gone]) end
return 1
`;

export const EVENT_SCRIPTS = { appendEvents, takeTurn, writeNotes };
