-- What both protocols have in common. MODEL, INPUTS, OUTPUTS, MAX_BATCH and MAX_TEXT come from the configuration.

local function refusal(status, message)
  return { status = status, message = message }
end

local function set_of(names)
  local set = {}
  for _, name in ipairs(names) do
    set[name] = true
  end
  return set
end

local KNOWN_OUTPUTS = set_of(OUTPUTS)

-- The tensor IMAGE must hold `count` elements, each behind its length in 4 bytes, from `start` to just before `stop`.
local function images_fault(body, start, stop, count)
  local position = start
  for _ = 1, count do
    if position + 4 > stop then
      return refusal("400", "IMAGE has fewer images than its shape says")
    end
    local a, b, c, d = body:getBytes(position, 4):byte(1, 4)
    position = position + 4 + ((d * 256 + c) * 256 + b) * 256 + a
    if position > stop then
      return refusal("400", "an image of IMAGE is shorter than its length says")
    end
  end
  if position < stop then
    return refusal("400", "IMAGE has more images than its shape says")
  end
end

local function shape_fault(shape)
  if #shape ~= 2 or shape[1] < 1 or shape[1] > MAX_BATCH or shape[2] ~= 1 then
    return refusal("400", "the shape of IMAGE is not [N, 1] with N from 1 to " .. MAX_BATCH)
  end
end
