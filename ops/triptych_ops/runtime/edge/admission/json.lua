-- Readers of JSON: each reads one value of a known form at a position, and gives it with the position behind it;
-- or nothing, what was expected, and where. What there is no reader for is refused, so nothing nests deeper than
-- the form. Strings stay as they are written; a name written with escapes is no name that is known.

local function past_space(text, position)
  return text:find("[^ \t\r\n]", position) or #text + 1
end

local function uint(text, position)
  local digits = text:match("^%d+", position)
  if not digits or #digits > 15 or digits:match("^0%d") then
    return nil, "a whole number, not negative", position
  end
  return tonumber(digits), position + #digits
end

local function boolean(text, position)
  local word = text:match("^%l+", position)
  if word ~= "true" and word ~= "false" then
    return nil, "true or false", position
  end
  return word == "true" and 1 or 0, position + #word
end

local function str(text, position)
  local at = position + 1
  while text:byte(position) == 34 do
    at = text:find('["\\%c\127-\255]', at)
    if not at then
      break
    end
    local found = text:sub(at, at)
    if found == '"' then
      if at - position - 1 > MAX_TEXT then
        break
      end
      return text:sub(position + 1, at - 1), at + 1
    elseif found == "\\" and text:match('^["\\/bfnrt]', at + 1) then
      at = at + 2
    elseif found == "\\" and text:match("^u%x%x%x%x", at + 1) and not text:match("^u[dD][89a-fA-F]", at + 1) then
      at = at + 6
    else
      break
    end
  end
  return nil, "a string of at most " .. MAX_TEXT .. " characters of ASCII", position
end

local function one_of(names)
  local known = set_of(names)
  return function(text, position)
    local value, next_position = str(text, position)
    if not value or not known[value] then
      return nil, table.concat(names, " or "), position
    end
    return value, next_position
  end
end

-- What stands between `opener` and `closer`, separated by commas; `member` reads one and keeps it.
local function sequence(text, position, opener, closer, member)
  if text:sub(position, position) ~= opener then
    return nil, opener, position
  end
  position = past_space(text, position + 1)
  if text:sub(position, position) == closer then
    return true, position + 1
  end
  while true do
    local read, after, where = member(position)
    if not read then
      return nil, after, where
    end
    position = past_space(text, after)
    local found = text:sub(position, position)
    if found == closer then
      return true, position + 1
    elseif found ~= "," then
      return nil, ", or " .. closer, position
    end
    position = past_space(text, position + 1)
  end
end

local function array(item, most)
  return function(text, position)
    local items = {}
    local read, after, where = sequence(text, position, "[", "]", function(at)
      if #items == most then
        return nil, "at most " .. most .. " of these", at
      end
      local value, next_position, fault_position = item(text, at)
      if value == nil then
        return nil, next_position, fault_position
      end
      items[#items + 1] = value
      return true, next_position
    end)
    return read and items, after, where
  end
end

-- `required` has the readers of members that must be there, `optional` of those that may.
local function object(required, optional)
  local names = {}
  for _, readers in ipairs({ required, optional }) do
    for name in pairs(readers) do
      names[#names + 1] = name
    end
  end
  table.sort(names)
  local name_reader = one_of(names)
  return function(text, position)
    local members = {}
    local read, after, where = sequence(text, position, "{", "}", function(at)
      local name, next_position, fault_position = name_reader(text, at)
      if not name then
        return nil, next_position, fault_position
      end
      if members[name] ~= nil then
        return nil, name .. " once", at
      end
      next_position = past_space(text, next_position)
      if text:sub(next_position, next_position) ~= ":" then
        return nil, ":", next_position
      end
      local value
      value, next_position, fault_position = (required[name] or optional[name])(text, past_space(text, next_position + 1))
      if value == nil then
        return nil, next_position, fault_position
      end
      members[name] = value
      return true, next_position
    end)
    for name in pairs(required) do
      if read and members[name] == nil then
        return nil, name, position
      end
    end
    return read and members, after, where
  end
end

-- The whole of `text` as one value.
local function read_json(text, reader)
  local value, after, where = reader(text, past_space(text, 1))
  if value and past_space(text, after) <= #text then
    return nil, "nothing more", after
  end
  return value or nil, after, where
end
