import { HEADROOM_PARTS, RESERVE_PARTS } from "../../rate-shares.ts";

/**
 * `rateShare` of ../../rate-shares.ts, number for number. A part is four numbers of a list, from index `at` on: share, moved, 1 if saturated, sessions;
 * of each of the lists the same four.
 */
export const RATE_SHARE_FUNCTION = `
local function room_of(part, at)
  return part[at + 1] + part[at + 1] / ${HEADROOM_PARTS}
end

local function target_of(limit, own, others, at)
  local all, weight = {own}, own[at + 3]
  for _, part in ipairs(others) do
    if part[at + 3] > 0 then
      all[#all + 1] = part
      weight = weight + part[at + 3]
    end
  end
  local floor = limit / ${RESERVE_PARTS} / #all
  local left = limit - (2 * limit) / ${RESERVE_PARTS}
  local everyone, open, isOwnOpen, isSettled = weight, all, true, false
  while not isSettled and #open > 0 do
    local level, still = left / weight, {}
    for _, part in ipairs(open) do
      if part[at + 2] == 1 or room_of(part, at) > level * part[at + 3] then
        still[#still + 1] = part
      else
        left = left - room_of(part, at)
        weight = weight - part[at + 3]
        if part == own then isOwnOpen = false end
      end
    end
    isSettled = #still == #open
    open = still
  end
  if isOwnOpen then return floor + (left * own[at + 3]) / weight end
  return floor + room_of(own, at) + (#open == 0 and (left * own[at + 3]) / everyone or 0)
end

local function rate_share(limit, own, others, at)
  if own[at + 3] == 0 then return 0 end
  local target, left = target_of(limit, own, others, at), limit
  for _, part in ipairs(others) do left = left - part[at] end
  local share = math.min(target, math.max(own[at], left - limit / ${RESERVE_PARTS}))
  return math.floor(math.max(share, math.min(target, left / 2), 0))
end
`;
