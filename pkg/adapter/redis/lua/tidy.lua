-- KEYS: stream, head. ARGV: most entries, most bytes, ms that entries are kept, ms until the
-- next tidying, ms to live. Whoever comes first when it is due does it. Returns entries and bytes.
local t = tonumber(now())
local f = redis.call('HMGET', KEYS[2], 'h', 't', 'l', 'm')
if not f[1] then return { 0, 0 } end
if f[2] and f[3] and t >= tonumber(f[2]) and t - tonumber(f[2]) < tonumber(ARGV[4]) then
  return { tonumber(f[3]), tonumber(f[4]) }
end
-- The newest of the old ones is kept: it is the position of those that have heard nothing since.
local old = redis.call('XREVRANGE', KEYS[1], t - ARGV[3], '-', 'COUNT', 1)[1]
if old then redis.call('XTRIM', KEYS[1], 'MINID', '~', old[1], 'LIMIT', 0) end
local length, most = redis.call('XLEN', KEYS[1]), tonumber(ARGV[1])
if length > most then
  redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', most, 'LIMIT', 0)
  length = redis.call('XLEN', KEYS[1])
end
local function size()
  local n = redis.pcall('MEMORY', 'USAGE', KEYS[1], 'SAMPLES', 5)
  return type(n) == 'number' and n or 0
end
local bytes = size()
if bytes > tonumber(ARGV[2]) then
  redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', math.floor(length * tonumber(ARGV[2]) / bytes * 0.9), 'LIMIT', 0)
  length, bytes = redis.call('XLEN', KEYS[1]), size()
end
redis.call('HSET', KEYS[2], 't', string.format('%.0f', t), 'l', length, 'm', bytes)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return { length, bytes }
