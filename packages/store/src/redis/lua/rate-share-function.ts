import { HEADROOM_PARTS, RESERVE_PARTS } from "../../rate-shares.ts";

/**
 * `rateShare` of ../../rate-shares.ts, number for number. Parts are {share, moved, isSaturated, sessions}; those of `others` without sessions may be
 * among them.
 */
export const RATE_SHARE_FUNCTION = `
local function room_of(part)
  return part.moved + part.moved / ${HEADROOM_PARTS}
end

local function target_of(limit, own, others)
  local all, weight = {own}, own.sessions
  for _, part in ipairs(others) do
    if part.sessions > 0 then
      all[#all + 1] = part
      weight = weight + part.sessions
    end
  end
  local floor = limit / ${RESERVE_PARTS} / #all
  local left = limit - (2 * limit) / ${RESERVE_PARTS}
  local everyone, open, isOwnOpen, isSettled = weight, all, true, false
  while not isSettled and #open > 0 do
    local level, still = left / weight, {}
    for _, part in ipairs(open) do
      if part.isSaturated or room_of(part) > level * part.sessions then
        still[#still + 1] = part
      else
        left = left - room_of(part)
        weight = weight - part.sessions
        if part == own then isOwnOpen = false end
      end
    end
    isSettled = #still == #open
    open = still
  end
  if isOwnOpen then return floor + (left * own.sessions) / weight end
  return floor + room_of(own) + (#open == 0 and (left * own.sessions) / everyone or 0)
end

local function rate_share(limit, own, others)
  if own.sessions == 0 then return 0 end
  local target, left = target_of(limit, own, others), limit
  for _, part in ipairs(others) do left = left - part.share end
  local share = math.min(target, math.max(own.share, left - limit / ${RESERVE_PARTS}))
  return math.floor(math.max(share, math.min(target, left / 2), 0))
end
`;
