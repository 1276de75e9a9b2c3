-- Triton's HTTP request: JSON of as many bytes as a header says, then the images. MAX_JSON from the configuration.

local HEADER = "inference-header-content-length"

local INPUT = object({
  name = one_of(INPUTS),
  datatype = one_of({ "BYTES" }),
  shape = array(uint, 2),
  parameters = object({ binary_data_size = uint }, {}),
}, {})
local OUTPUT = object({ name = one_of(OUTPUTS) }, { parameters = object({}, { binary_data = boolean }) })
local REQUEST = object({ inputs = array(INPUT, 1) }, {
  id = str,
  outputs = array(OUTPUT, #OUTPUTS),
  parameters = object({}, { binary_data_output = boolean, timeout = uint }),
})

local function json_fault(body, json_bytes)
  local request, expected, position = read_json(body:getBytes(0, json_bytes), REQUEST)
  if not request then
    return refusal("400", "the JSON is no request for images: expected " .. expected .. " at byte " .. position)
  end
  local input = request.inputs[1]
  if not input then
    return refusal("400", "the request has no input")
  end
  if input.parameters.binary_data_size ~= body:length() - json_bytes then
    return refusal("400", "binary_data_size is not what follows the JSON")
  end
  return shape_fault(input.shape) or images_fault(body, json_bytes, body:length(), input.shape[1])
end

local function request_fault(handle, body)
  local headers = handle:headers()
  local given = headers:get(HEADER)
  if not given then
    return refusal("400", "images are taken as binary; say in " .. HEADER .. " how long the JSON is, 0 for none")
  end
  if headers:getNumValues(HEADER) > 1 or #given > 9 or not given:match("^%d+$") then
    return refusal("400", HEADER .. " is not one number of bytes")
  end
  local json_bytes = tonumber(given)
  if json_bytes > body:length() then
    return refusal("400", HEADER .. " is more than the body has")
  end
  if json_bytes > MAX_JSON then
    return refusal("400", "the JSON is longer than " .. MAX_JSON .. " bytes; send images as binary")
  end
  if json_bytes > 0 then
    return json_fault(body, json_bytes)
  end
end
