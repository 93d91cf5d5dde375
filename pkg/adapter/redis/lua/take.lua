-- KEYS: session. ARGV: epoch and rest of the record as they were seen, the new epoch and owner,
-- ms to live, and what to tell the former owner on the channel whose name begins so.
local v = redis.call('GET', KEYS[1])
if not v then return 'none' end
local e, o, sent, seen, rest = string.match(v, '^(%d+) (%S+) (%S+) (%S+) (.*)$')
if e ~= ARGV[1] or rest ~= ARGV[2] then return 'taken' end
redis.call('SET', KEYS[1], table.concat({ ARGV[3], ARGV[4], sent, seen, rest }, ' '), 'PX', ARGV[5])
redis.call('PUBLISH', ARGV[6] .. o .. '#', ARGV[7])
return 'ok'
