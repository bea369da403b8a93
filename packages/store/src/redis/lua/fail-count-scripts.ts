import { MAX_FAIL_COUNT } from "../../fail-counts.ts";
import { STREAM_FUNCTIONS } from "./stream-functions.ts";

/** Announcements kept. A reader further behind reads the counts themselves, so few are enough. */
const KEPT_ENTRIES = 1_000;

const ANNOUNCE = `
local function announce(feed, nonce, upstream, count)
  local previous = last_id(feed)
  local id = string.format('%.0f-%s', (id_parts(previous)) + 1, nonce)
  redis.call('XADD', feed, 'MAXLEN', '~', ${KEPT_ENTRIES}, id, 'previous', previous, 'upstream', upstream, 'count', count)
end
`;

/** KEYS: fails, fail feed. ARGV: upstream id, nonce. Returns the new count. */
const addFailure = `${STREAM_FUNCTIONS}${ANNOUNCE}
local count = math.min(tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0) + 1, ${MAX_FAIL_COUNT})
redis.call('HSET', KEYS[1], ARGV[1], count)
announce(KEYS[2], ARGV[2], ARGV[1], count)
return count
`;

/** KEYS: fails, fail feed. ARGV: upstream id, nonce. */
const clearFailures = `${STREAM_FUNCTIONS}${ANNOUNCE}
if redis.call('HDEL', KEYS[1], ARGV[1]) == 1 then announce(KEYS[2], ARGV[2], ARGV[1], 0) end
return 0
`;

export const FAIL_COUNT_SCRIPTS = { addFailure, clearFailures };
