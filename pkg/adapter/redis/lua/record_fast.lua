-- KEYS: stream, head. ARGV: PUBLISH or SPUBLISH, channel, payload, what stands before the id
-- and behind it, most entries, this node's last event or '', ms to live.
local id
if ARGV[7] == '' then
  id = redis.call('XADD', KEYS[1], 'NOMKSTREAM', 'MAXLEN', '~', ARGV[6], '*', 'e', ARGV[3])
end
if not id then
