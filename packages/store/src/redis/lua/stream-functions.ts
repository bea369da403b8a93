/**
 * Lua functions for streams whose ids are NUMBER-NONCE and whose entries name the entry before them. A reader thereby notices every entry it
 * did not get: one that was trimmed, and one of a life that the store no longer remembers, where the number may be the same, but not the nonce.
 */
export const STREAM_FUNCTIONS = `
local function last_id(stream)
  local entries = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)
  return entries[1] and entries[1][1] or '0-0'
end

local function id_parts(id)
  local number, nonce = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(number), tonumber(nonce)
end

-- Whether a reader that was at this id can go on from it; '' was nowhere yet.
local function holds(stream, id)
  return id == '' or id == '0-0' or #redis.call('XRANGE', stream, id, id) > 0
end
`;
