-- less compares two ids.
local function less(a, b)
  local at, as = string.match(a, '^(%d+)-(%d+)$')
  local bt, bs = string.match(b, '^(%d+)-(%d+)$')
  if #at ~= #bt then return #at < #bt end
  if at ~= bt then return at < bt end
  if #as ~= #bs then return #as < #bs end
  return as < bs
end
-- mark begins a history, or goes on with one that has lost something: nothing in front of
-- the mark can be had for certain. Its id is behind all that there were, whatever the clock says.
local function mark(stream, head, ttl, lost)
  local id = redis.call('XADD', stream, '*', 'b', '')
  for _, other in ipairs({ redis.call('HGET', head, 'h') or id, lost or id }) do
    if less(id, other) then
      id = redis.call('XADD', stream, string.format('%.0f-0', tonumber(string.match(other, '^%d+')) + 1), 'b', '')
    end
  end
  redis.call('HSET', head, 'h', id, 'b', id)
  redis.call('PEXPIRE', stream, ttl)
  redis.call('PEXPIRE', head, ttl)
end
-- born returns the head and the last mark, of a history that is begun if there is none.
local function born(stream, head, ttl)
  local f = redis.call('HMGET', head, 'h', 'b')
  if not (f[1] and f[2]) or redis.call('EXISTS', stream) == 0 then
    mark(stream, head, ttl)
    f = redis.call('HMGET', head, 'h', 'b')
  end
  return f[1], f[2]
end
-- check marks a history that has lost an event which it had accepted: it was not trimmed, and
-- it is not in front of a mark.
local function check(stream, head, ttl, id)
  if id == '' then return end
  local b = redis.call('HGET', head, 'b')
  if b and less(id, b) or #redis.call('XRANGE', stream, id, id) > 0 then return end
  local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  if not first or not less(id, first[1]) then mark(stream, head, ttl, id) end
end
local function now()
  local t = redis.call('TIME')
  return t[1] .. string.format('%03d', math.floor(t[2] / 1000))
end
