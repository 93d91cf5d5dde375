-- KEYS: stream and head of each namespace. ARGV: a channel and what to publish there, or '';
-- for each namespace the last event of this node, or '', its position, or '', and ms to live.
-- Returns the time, and for each namespace its head and its last mark.
local out = { now() }
for i = 1, #KEYS, 2 do
  local stream, head, at = KEYS[i], KEYS[i + 1], 3 + (i - 1) / 2 * 3
  check(stream, head, ARGV[at + 2], ARGV[at])
  check(stream, head, ARGV[at + 2], ARGV[at + 1])
  out[i + 1], out[i + 2] = born(stream, head, ARGV[at + 2])
end
if ARGV[1] ~= '' then redis.call('PUBLISH', ARGV[1], ARGV[2]) end
return out
