  check(KEYS[1], KEYS[2], ARGV[8], ARGV[7])
  born(KEYS[1], KEYS[2], ARGV[8])
  id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[6], '*', 'e', ARGV[3])
end
redis.call('HSET', KEYS[2], 'h', id)
local text = id
if ARGV[5] == '' then text = string.char(0xd9, #id) .. id end
redis.call(ARGV[1], ARGV[2], ARGV[3] .. ARGV[4] .. text .. ARGV[5])
return id
