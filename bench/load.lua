-- The load: one request with a place in it that changes, judged by status and a word of the answer.
--
--   wrk … -s load.lua URL -- MODE EXPECTED REQUEST_FILE VALUES_FILE
--
-- REQUEST_FILE is a whole HTTP request in which @VALUE@ stands where a line of VALUES_FILE goes.
-- MODE says which: `cycle` one after the other, again and again; `once` each one once; `chain` each
-- is replaced by the refresh_token of its own answer.  The last line of output is JSON.

local threads = {}
failures, dry = 0, 0

function setup(thread)
  table.insert(threads, thread)
end

local function read(name)
  local file = assert(io.open(name, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local mode, expected, before, after
local waiting, first, last = {}, 1, 0

local function push(value)
  last = last + 1
  waiting[last] = value
end

local function pop()
  local value = waiting[first]
  waiting[first] = nil
  first = first + 1
  return value
end

function init(args)
  mode, expected = args[1], args[2]
  local text = read(args[3])
  local from, to = text:find("@VALUE@", 1, true)
  before = from and text:sub(1, from - 1) or text
  after = from and text:sub(to + 1) or ""
  for line in read(args[4]):gmatch("[^\n]*\n") do
    push(line:sub(1, -2))
  end
end

function request()
  local value = pop()
  if value == nil then
    dry = dry + 1
    value = ""
  elseif mode == "cycle" then
    push(value)
  end
  return before .. value .. after
end

function response(status, _, body)
  if status ~= 200 or not body:find(expected, 1, true) then
    failures = failures + 1
    if failures == 1 then
      io.stderr:write(status, " ", body:sub(1, 300), "\n")
    end
  end
  if mode == "chain" then
    local successor = body:match('"refresh_token":"([^"]+)"')
    if successor then
      push(successor)
    end
  end
end

function done(summary, latency)
  local failed, lacking = 0, 0
  for _, thread in ipairs(threads) do
    failed = failed + thread:get("failures")
    lacking = lacking + thread:get("dry")
  end
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"failed":%d,"lacking":%d,"cut":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed,
    lacking, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
