-- KEYS: stream, head. ARGV: read behind which id, most entries, about how many bytes.
-- Returns ok, forgotten or diverged; the head and the last mark; 1 if there is more; the last
-- id that was looked at; and id and payload of each event.
local after, most, bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local f = redis.call('HMGET', KEYS[2], 'h', 'b')
local h, b = f[1], f[2]
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if not h or not b then
  if after == '0-0' and not first then return { 'ok', '0-0', '0-0', 0, '0-0' } end
  return { 'diverged', '0-0', '0-0', 0, after }
end
local status = 'ok'
if after == '0-0' then
  if not first or first[1] ~= b then status = 'forgotten' end
elseif less(after, b) or less(h, after) then
  status = 'diverged'
elseif after ~= h and #redis.call('XRANGE', KEYS[1], after, after) == 0 then
  status = 'forgotten'
  if first and less(first[1], after) then status = 'diverged' end
end
local out = { status, h, b, 0, after }
if status ~= 'ok' then return out end
local n = 0
repeat
  local page = redis.call('XRANGE', KEYS[1], '(' .. after, '+', 'COUNT', 16)
  for _, entry in ipairs(page) do
    after, n = entry[1], n + 1
    if entry[2][1] == 'e' then
      out[#out + 1], out[#out + 2] = after, entry[2][2]
      bytes = bytes - #entry[2][2]
    end
  end
  if #page < 16 then
    out[5] = after
    return out
  end
until n >= most or bytes <= 0
out[4], out[5] = 1, after
return out
