-- Triton's gRPC request: one uncompressed message, a ModelInferRequest of KServe's protocol, version 2.
-- Whatever has another form than the one read here (groups, tags of more than a byte, fields of later versions,
-- a second message) is refused, so protobuf cannot read another request out of the same bytes.

-- A varint at `position` -> its value and the position behind it, or nothing.
local function varint(body, position, stop)
  local bytes = body:getBytes(position, math.min(10, stop - position))
  local value, factor = 0, 1
  for index = 1, #bytes do
    local byte = bytes:byte(index)
    value = value + (byte % 128) * factor
    if byte < 128 then
      return value, position + index
    end
    factor = factor * 128
  end
end

-- The fields of a message, all length-delimited: each is given to the visitor of its number, with start and stop.
-- A visitor gives what is wrong with the field, or nothing. A field comes at most once, or as often as `most` says
-- of its number: so the number of steps is bounded whatever the number of bytes. Protobuf accepts a repeated
-- singular field and keeps the last one; no client library writes it, and a body of millions of them would keep a
-- worker of Envoy busy for minutes.
local function message_fault(body, position, stop, name, visitors, most)
  local counts = {}
  while position < stop do
    local tag = body:getBytes(position, 1):byte()
    local number = (tag - 2) / 8
    local visitor = tag % 8 == 2 and tag < 128 and visitors[number]
    if not visitor then
      return refusal("400", name .. " has a field that is not taken here")
    end
    counts[number] = (counts[number] or 0) + 1
    if counts[number] > (most and most[number] or 1) then
      return refusal("400", name .. " has more than " .. (most and most[number] or 1) .. " of field " .. number)
    end
    local size, start = varint(body, position + 1, stop)
    if not size or start + size > stop then
      return refusal("400", name .. " is not whole")
    end
    local fault = visitor(start, start + size)
    if fault then
      return fault
    end
    position = start + size
  end
end

local function text(body, start, stop)
  return stop - start <= MAX_TEXT and body:getBytes(start, stop - start) or nil
end

-- `shape` -> its dimensions, packed varints; nothing where they are none.
local function dimensions(body, start, stop)
  local shape, value = {}, nil
  while start < stop and #shape < 3 do
    value, start = varint(body, start, stop)
    if not value then
      return {}
    end
    shape[#shape + 1] = value
  end
  return shape
end

local function input_fault(body, start, stop)
  local named, typed, shape = false, false, nil
  local fault = message_fault(body, start, stop, "the input", {
    function(from, to)
      named = set_of(INPUTS)[text(body, from, to)]
      return not named and refusal("400", "the input is not " .. table.concat(INPUTS, " or "))
    end,
    function(from, to)
      typed = text(body, from, to) == "BYTES"
      return not typed and refusal("400", "the input's type is not BYTES")
    end,
    function(from, to)
      shape = dimensions(body, from, to)
      return shape_fault(shape)
    end,
  })
  if not fault and not (named and typed and shape) then
    fault = refusal("400", "the input has not name, datatype and shape")
  end
  return fault, shape
end

local function output_fault(body, start, stop)
  local named = false
  local fault = message_fault(body, start, stop, "an output", {
    function(from, to)
      named = KNOWN_OUTPUTS[text(body, from, to)]
      return not named and refusal("400", "an output is none of " .. table.concat(OUTPUTS, ", "))
    end,
  })
  return fault or not named and refusal("400", "an output has no name")
end

-- Of the parameters, only `timeout`, an int64 of microseconds.
local function parameter_fault(body, start, stop)
  return message_fault(body, start, stop, "a parameter", {
    function(from, to)
      return text(body, from, to) ~= "timeout" and refusal("400", "a parameter is not timeout")
    end,
    function(from, to)
      if to - from < 2 or body:getBytes(from, 1):byte() ~= 16 then
        return refusal("400", "timeout is no int64 of microseconds")
      end
      local value, after = varint(body, from + 1, to)
      return (not value or value >= 2 ^ 53 or after ~= to) and refusal("400", "timeout is no int64 of microseconds")
    end,
  })
end

local function whole_message_fault(body)
  if body:length() < 5 then
    return refusal("400", "the request has no message")
  end
  local compressed, a, b, c, d = body:getBytes(0, 5):byte(1, 5)
  if compressed ~= 0 then
    return refusal("415", "compressed messages are not taken; images are compressed already")
  end
  if ((a * 256 + b) * 256 + c) * 256 + d ~= body:length() - 5 then
    return refusal("400", "the request is not one whole message")
  end
end

local OUTPUT_FIELD = 6

local function request_fault(_, body)
  local fault = whole_message_fault(body)
  if fault then
    return fault
  end
  local model, shape, images = false, nil, nil
  fault = message_fault(body, 5, body:length(), "the request", {
    function(from, to)
      model = text(body, from, to) == MODEL
      if from == to then
        return refusal("400", "the request names no model")
      end
      return not model and refusal("403", "only the model " .. MODEL .. " is served here")
    end,
    function(from, to)
      local version = text(body, from, to)
      return not (version and #version < 19 and version:match("^%d*$")) and refusal("400", "the version is no number")
    end,
    function(from, to)
      local id = text(body, from, to)
      return (not id or id:find("[^ -~]")) and refusal("400", "the id is more than " .. MAX_TEXT .. " characters of ASCII")
    end,
    function(from, to)
      return parameter_fault(body, from, to)
    end,
    function(from, to)
      local input_is_wrong
      input_is_wrong, shape = input_fault(body, from, to)
      return input_is_wrong
    end,
    function(from, to)
      return output_fault(body, from, to)
    end,
    function(from, to)
      images = { from, to }
    end,
  }, { [OUTPUT_FIELD] = #OUTPUTS })
  if fault then
    return fault
  end
  if not model then
    return refusal("400", "the request names no model")
  end
  if not shape or not images then
    return refusal("400", "the request has no IMAGE with its bytes in raw_input_contents")
  end
  return images_fault(body, images[1], images[2], shape[1])
end
