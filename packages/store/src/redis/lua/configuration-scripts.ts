import { EVENT_FUNCTION } from "./event-scripts.ts";
import { STREAM_FUNCTIONS } from "./stream-functions.ts";

/** Writes the feed keeps; a reader further behind reads the state again. */
const KEPT_ENTRIES = 10_000;
/** A subscriber further behind reads the state again instead of having it pieced together in one long script. */
const MAX_CATCH_UP = 5_000;
const REQUEST_ID_TTL_SECONDS = 86_400;

/**
 * Expectations, request id, revision, records, feed and events in one step. The feed entry goes first: it is all that can be refused.
 * KEYS: meta, feed, three record hashes, events, a key for each event with a name, request key (if there is a request id).
 * ARGV: generation if new, nonce, sealed response, [kind, id]… as JSON, counts of expectations, puts, deletes and events, 1 if there is a request id,
 * then (hash, id, version)…, (hash, id, body)…, (hash, id)…, where hash is an index into KEYS, (1 if it has a name, JSON)… of the events; last the
 * traceparent of the write, '' for none.
 */
const writeConfiguration = `${STREAM_FUNCTIONS}${EVENT_FUNCTION}
local meta, feed, request = KEYS[1], KEYS[2], ARGV[9] == '1' and KEYS[#KEYS]
if request then
  local kept = redis.call('GET', request)
  if kept then return {'repeated', kept} end
end
local at = 10
for _ = 1, tonumber(ARGV[5]) do
  local stored = redis.call('HGET', KEYS[tonumber(ARGV[at])], ARGV[at + 1])
  local version = stored and string.match(stored, '^%d+') or '0'
  if version ~= ARGV[at + 2] then return {'conflict', ARGV[at], ARGV[at + 1], tonumber(version)} end
  at = at + 3
end
redis.call('HSETNX', meta, 'generation', ARGV[1])
local previous = last_id(feed)
local revision = math.max(tonumber(redis.call('HGET', meta, 'revision') or 0), (id_parts(previous))) + 1
local id = string.format('%.0f', revision)
local entry = {'previous', previous, 'changes', ARGV[4]}
local traceparent = ARGV[#ARGV]
if traceparent ~= '' then
  entry[5] = 'traceparent'
  entry[6] = traceparent
end
redis.call('XADD', feed, 'MAXLEN', '~', ${KEPT_ENTRIES}, id .. '-' .. ARGV[2], unpack(entry))
redis.call('HSET', meta, 'revision', id)
for _ = 1, tonumber(ARGV[6]) do
  redis.call('HSET', KEYS[tonumber(ARGV[at])], ARGV[at + 1], id .. ' ' .. ARGV[at + 2])
  at = at + 3
end
for _ = 1, tonumber(ARGV[7]) do
  redis.call('HDEL', KEYS[tonumber(ARGV[at])], ARGV[at + 1])
  at = at + 2
end
local once = 7
for _ = 1, tonumber(ARGV[8]) do
  local isNamed = ARGV[at] == '1'
  append_event(KEYS[6], isNamed and KEYS[once], ARGV[at + 1])
  if isNamed then once = once + 1 end
  at = at + 2
end
if request then redis.call('SET', request, ARGV[3], 'EX', ${REQUEST_ID_TTL_SECONDS}) end
return {'written', revision}
`;

/**
 * A command, behind the last write. KEYS: meta, feed. ARGV: generation if new, command as JSON.
 */
const appendCommand = `${STREAM_FUNCTIONS}
redis.call('HSETNX', KEYS[1], 'generation', ARGV[1])
local previous = last_id(KEYS[2])
local number, nonce = id_parts(previous)
local id = string.format('%.0f-%.0f', number, nonce + 1)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ${KEPT_ENTRIES}, id, 'previous', previous, 'command', ARGV[2])
return id
`;

/**
 * Where the feeds end, and whether a reader can go on from where it was. A reader that has seen what the store does not know proves that
 * revisions were lost, and gives the store a new generation.
 * KEYS: meta, feed, fail feed. ARGV: generation if new; the reader's generation, feed id and fail feed id, '' for none.
 * Returns generation, revision, feed's last id, fail feed's last id, 1 if the feed goes on, 1 if the fail feed goes on.
 */
const feedPosition = `${STREAM_FUNCTIONS}
local meta, feed, failFeed = KEYS[1], KEYS[2], KEYS[3]
redis.call('HSETNX', meta, 'generation', ARGV[1])
local generation = redis.call('HGET', meta, 'generation')
local isSame = ARGV[2] == '' or ARGV[2] == generation
local goesOn = isSame and holds(feed, ARGV[3])
if isSame and not goesOn then
  local oldest = redis.call('XRANGE', feed, '-', '+', 'COUNT', 1)[1]
  local wasTrimmed = false
  if oldest then
    local number, nonce = id_parts(ARGV[3])
    local oldestNumber, oldestNonce = id_parts(oldest[1])
    wasTrimmed = number < oldestNumber or (number == oldestNumber and nonce < oldestNonce)
  end
  if not wasTrimmed then
    generation = ARGV[1]
    redis.call('HSET', meta, 'generation', generation)
  end
end
local revision = tonumber(redis.call('HGET', meta, 'revision') or 0)
local failsGoOn = isSame and holds(failFeed, ARGV[4])
return {generation, revision, last_id(feed), last_id(failFeed), goesOn and 1 or 0, failsGoOn and 1 or 0}
`;

/**
 * What changed after a revision, as it is now. KEYS: meta, feed, three record hashes. ARGV: generation if new, reader's generation, revision.
 * Returns generation, revision and, where the feed still knows, a list of kind, id, stored text ('' for deleted).
 */
const changesSince = `
redis.call('HSETNX', KEYS[1], 'generation', ARGV[1])
local generation = redis.call('HGET', KEYS[1], 'generation')
local revision = tonumber(redis.call('HGET', KEYS[1], 'revision') or 0)
local after = tonumber(ARGV[3])
if generation ~= ARGV[2] or after > revision then return {generation, revision} end
if after == revision then return {generation, revision, {}} end
if revision - after > ${MAX_CATCH_UP} then return {generation, revision} end
local entries = redis.call('XRANGE', KEYS[2], string.format('%.0f', after + 1), '+')
local oldest = entries[1] and string.match(entries[1][1], '^%d+')
if tonumber(oldest) ~= after + 1 then return {generation, revision} end
local hashes = {port = KEYS[3], key = KEYS[4], upstream = KEYS[5]}
local seen, changes = {}, {}
for _, entry in ipairs(entries) do
  if entry[2][3] == 'changes' then
    for _, change in ipairs(cjson.decode(entry[2][4])) do
      local kind, id = change[1], change[2]
      if not seen[kind .. ' ' .. id] then
        seen[kind .. ' ' .. id] = true
        changes[#changes + 1] = kind
        changes[#changes + 1] = id
        changes[#changes + 1] = redis.call('HGET', hashes[kind], id) or ''
      end
    end
  end
end
return {generation, revision, changes}
`;

/** KEYS: meta. ARGV: generation if new. Returns generation and revision. */
const readRevision = `
redis.call('HSETNX', KEYS[1], 'generation', ARGV[1])
return {redis.call('HGET', KEYS[1], 'generation'), tonumber(redis.call('HGET', KEYS[1], 'revision') or 0)}
`;

export const CONFIGURATION_SCRIPTS = { writeConfiguration, appendCommand, feedPosition, changesSince, readRevision };
