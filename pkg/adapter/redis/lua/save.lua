-- KEYS: session, stream, head. ARGV: epoch, owner, sent, seen, ms that the session lives, ms that
-- the history lives, and the rest of the record in pieces, between which the head belongs.
-- Returns the head, or nil if the session is somebody else's.
local v = redis.call('GET', KEYS[1])
local e, o = string.match(v or '', '^(%d+) (%S+) ')
if e and (tonumber(e) > tonumber(ARGV[1]) or e == ARGV[1] and o ~= ARGV[2]) then return false end
local h = born(KEYS[2], KEYS[3], ARGV[6])
local rest = table.concat(ARGV, string.char(0xd9, #h) .. h, 7)
redis.call('SET', KEYS[1], table.concat({ ARGV[1], ARGV[2], ARGV[3], ARGV[4], rest }, ' '), 'PX', ARGV[5])
return h
