import { LIMIT_REPORT_TTL_MS } from "../../limit-exchange.ts";
import { NOW_MS } from "./live-scripts.ts";
import { LEASE_FORMAT, QUOTA_FUNCTION } from "./quota-function.ts";
import { RATE_SHARE_FUNCTION } from "./rate-share-function.ts";

/**
 * A member's field of a key's hash, packed, for it is read by every exchange of every other member, and JSON takes five times as long: until when its
 * report counts, its sessions, how many were claimed since and until when those count, then of up and down share, bytes moved, 1 if saturated, sessions.
 */
const USE_FUNCTIONS = `
local USE = '<dI4I4ddfBI4dfBI4'

local function is_live(use)
  return use[1] > now or use[4] > now
end

local function sessions_of(use)
  return (use[1] > now and use[2] or 0) + (use[4] > now and use[3] or 0)
end

-- The member's own use and those of the others that count, without what is over.
local function read_uses(hash, member)
  local own, others, all = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {}, redis.call('HGETALL', hash)
  for at = 1, #all, 2 do
    local use = {struct.unpack(USE, all[at + 1])}
    if all[at] == member then own = use
    elseif is_live(use) then others[#others + 1] = use
    else redis.call('HDEL', hash, all[at]) end
  end
  return own, others
end

local function sum_of(own, others)
  local sum = sessions_of(own)
  for _, use in ipairs(others) do sum = sum + sessions_of(use) end
  return sum
end

local function keep_use(hash, member, use)
  redis.call('HSET', hash, member, struct.pack(USE, unpack(use, 1, 12)))
  redis.call('PEXPIRE', hash, ${LIMIT_REPORT_TTL_MS})
end

local function keep_device(devices, device, grace)
  local ttl = math.max(grace, ${LIMIT_REPORT_TTL_MS})
  redis.call('ZADD', devices, 'GT', string.format('%.0f', now + ttl), device)
  redis.call('PEXPIRE', devices, string.format('%.0f', ttl))
end

local function count_devices(devices)
  redis.call('ZREMRANGEBYSCORE', devices, '-inf', string.format('%.0f', now))
  return redis.call('ZCARD', devices)
end
`;

/**
 * KEYS: of each report uses and devices, and window and closed leases if it has a quota. ARGV: member id, reports as JSON. Returns of each report
 * sessions, devices, up share or null, down share or null, outcome of the quota or null, granted, used and settled bytes as text.
 */
const exchangeLimits = `${NOW_MS}${RATE_SHARE_FUNCTION}${QUOTA_FUNCTION}${USE_FUNCTIONS}
local member, found, key = ARGV[1], {}, 1

-- Puts the new part into the use at a place, and returns its share.
local function exchange_rate(use, at, rate, held, parts)
  if not rate then return false end
  use[at], use[at + 1], use[at + 2], use[at + 3] = held, rate.moved, rate.isSaturated and 1 or 0, rate.sessions
  use[at] = rate_share(rate.limit, use, parts, at)
  return use[at]
end

for at = 2, #ARGV do
  local report = cjson.decode(ARGV[at])
  local hash, devices = KEYS[key], KEYS[key + 1]
  key = key + 2
  local own, others = read_uses(hash, member)
  local use = {now + ${LIMIT_REPORT_TTL_MS}, report.sessions, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
  local isOld, parts = own[1] <= now, {}
  for _, other in ipairs(others) do
    if other[1] > now then parts[#parts + 1] = other end
  end
  local up = exchange_rate(use, 5, report.up, isOld and 0 or own[5], parts)
  local down = exchange_rate(use, 9, report.down, isOld and 0 or own[9], parts)
  if use[2] + use[8] + use[12] == 0 then redis.call('HDEL', hash, member)
  else keep_use(hash, member, use) end
  for _, device in ipairs(report.devices) do keep_device(devices, device, report.deviceGraceMs) end
  local outcome, granted, used, settled = false, '', '', ''
  if report.quota then
    outcome, granted, used, settled = lease_quota(KEYS[key], KEYS[key + 1], report.quota)
    key = key + 2
  end
  for _, value in ipairs({sum_of(use, others), count_devices(devices), up, down, outcome, granted, used, settled}) do
    found[#found + 1] = value
  end
end
return found
`;

/** KEYS: uses, devices. ARGV: member id, device, grace of devices in ms, most devices and most sessions, '' for any number. Returns the verdict. */
const claimSession = `${NOW_MS}${USE_FUNCTIONS}
local member, device, maxDevices, maxSessions = ARGV[1], ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5])
local own, others = read_uses(KEYS[1], member)
local known = count_devices(KEYS[2])
if maxDevices and known >= maxDevices and not redis.call('ZSCORE', KEYS[2], device) then return 'device-limit' end
if maxSessions and sum_of(own, others) >= maxSessions then return 'session-limit' end
own[3] = (own[4] > now and own[3] or 0) + 1
own[4] = now + ${LIMIT_REPORT_TTL_MS}
keep_use(KEYS[1], member, own)
keep_device(KEYS[2], device, tonumber(ARGV[3]))
return 'admitted'
`;

/**
 * KEYS: of each access key uses and devices, and a window if it is asked for. ARGV: of each 1 if a window is asked for, else 0. Returns of each used
 * bytes of the window as text or null, sessions, devices.
 */
const readLimitUsage = `${NOW_MS}${USE_FUNCTIONS}
local LEASE = '${LEASE_FORMAT}'
local function used_of(window)
  local fields, sum = redis.call('HGETALL', window), false
  for at = 1, #fields, 2 do
    local isSum = fields[at] == 'base' or fields[at] == 'past'
    sum = (sum or 0) + (isSum and fields[at + 1] or struct.unpack(LEASE, fields[at + 1]))
  end
  return sum and string.format('%.0f', sum)
end

local found, key = {}, 1
for at = 1, #ARGV do
  local _, uses = read_uses(KEYS[key], '')
  local isAsked = ARGV[at] == '1'
  found[#found + 1] = isAsked and used_of(KEYS[key + 2])
  found[#found + 1] = sum_of({0, 0, 0, 0}, uses)
  found[#found + 1] = count_devices(KEYS[key + 1])
  key = key + (isAsked and 3 or 2)
end
return found
`;

export const LIMIT_SCRIPTS = { exchangeLimits, claimSession, readLimitUsage };
