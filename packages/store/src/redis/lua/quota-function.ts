import { LEASE_MEMORY_MS, LEASE_TTL_MS } from "../../limit-exchange.ts";
import { MAX_CLOSED } from "../../quota-ledger.ts";

/** A lease, packed, for each exchange reads all of a window: used and granted bytes, when it was last heard of. */
export const LEASE_FORMAT = "<ddd";

/**
 * `leaseQuota` of ../../quota-ledger.ts on two hashes. Returns outcome, granted, used and settled bytes, as text: the client reads large integers of
 * replies inexactly.
 */
export const QUOTA_FUNCTION = `
local function whole(number)
  return string.format('%.0f', number)
end

local function forget_closed(closed)
  if redis.call('HLEN', closed) <= ${MAX_CLOSED} then return end
  local all = redis.call('HGETALL', closed)
  for at = 1, #all, 2 do
    if now - string.match(all[at + 1], '%d+$') >= ${LEASE_MEMORY_MS} then redis.call('HDEL', closed, all[at]) end
  end
end

local function lease_quota(window, closed, quota)
  local fields, base, past, isPastNew = redis.call('HGETALL', window), nil, 0, false
  local own, used, held, usedByOthers = 'lease:' .. quota.leaseId, quota.usedBytes, 0, 0
  for at = 1, #fields, 2 do
    local name, value = fields[at], fields[at + 1]
    if name == 'base' then
      base = tonumber(value)
    elseif name == 'past' then
      past = past + value
    else
      local leaseUsed, granted, seen = struct.unpack('${LEASE_FORMAT}', value)
      local counted = math.max(leaseUsed, granted)
      if name == own then
        used = math.max(used, leaseUsed)
      elseif now - seen < ${LEASE_TTL_MS} then
        held = held + counted
        usedByOthers = usedByOthers + leaseUsed
      else
        redis.call('HDEL', window, name)
        redis.call('HSET', closed, name, whole(counted) .. ' ' .. whole(now))
        past, isPastNew = past + counted, true
      end
    end
  end
  if not base then
    if not quota.baseBytes then return 'needs-base', '', '', '' end
    base = quota.baseBytes
    redis.call('HSET', window, 'base', whole(base))
  end
  local before = redis.call('HGET', closed, own)
  if before then
    redis.call('HDEL', closed, own)
    past, isPastNew = past - string.match(before, '^%d+'), true
  end
  local forgetAt = whole(math.max(quota.forgetAtMs, now + ${LEASE_TTL_MS}))
  if isPastNew then
    redis.call('HSET', window, 'past', whole(past))
    forget_closed(closed)
  end
  local granted = used + math.min(quota.wantedBytes, math.max(quota.limitBytes - base - past - used - held, 0))
  redis.call('HSET', window, own, struct.pack('${LEASE_FORMAT}', used, granted, now))
  redis.call('PEXPIREAT', window, forgetAt)
  if isPastNew then redis.call('PEXPIREAT', closed, forgetAt) end
  return 'leased', whole(granted), whole(base + past + used + usedByOthers), whole(base + past)
end
`;
