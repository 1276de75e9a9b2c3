-- Who asks? CLIENTS, secret -> client's name, comes from the configuration. A request with a known key is marked;
-- a filter behind lets none in without the mark, so an error in here refuses.

function envoy_on_request(handle)
  local headers = handle:headers()
  local key = headers:get("x-api-key")
  local authorization = headers:get("authorization")
  if not key and authorization and authorization:sub(1, 7):lower() == "bearer " then
    key = authorization:sub(8)
  end
  if key and CLIENTS[key] then
    handle:streamInfo():dynamicMetadata():set("triptych", "known", true)
  else
    handle:respond({ [":status"] = "401" }, "")
  end
end
