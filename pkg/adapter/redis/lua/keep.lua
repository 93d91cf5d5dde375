-- KEYS: sessions. ARGV: owner, ms to live or 0 to remove them, and epoch, sent and seen of each;
-- '' leaves these as they are. Returns the places of those that are gone, or somebody else's.
local stale = {}
for i, key in ipairs(KEYS) do
  local epoch, sent, seen = ARGV[3 * i], ARGV[3 * i + 1], ARGV[3 * i + 2]
  local e, o, oldSent, oldSeen, rest = string.match(redis.call('GET', key) or '', '^(%d+) (%S+) (%S+) (%S+) (.*)$')
  if sent == '' then sent, seen = oldSent, oldSeen end
  if e ~= epoch or o ~= ARGV[1] then
    stale[#stale + 1] = i
  elseif ARGV[2] == '0' then
    redis.call('DEL', key)
  else
    redis.call('SET', key, table.concat({ e, o, sent, seen, rest }, ' '), 'PX', ARGV[2])
  end
end
return stale
