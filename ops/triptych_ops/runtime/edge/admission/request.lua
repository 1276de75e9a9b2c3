-- Is this one inference of the ensemble, in the form of the contract? What only the body says is read here.
-- A request that passes is marked, and the filter behind this one lets nothing in without the mark: so an error
-- in here refuses.

function envoy_on_request(handle)
  local body = handle:body()
  local fault = body and request_fault(handle, body) or not body and refusal("400", "the request has no body")
  if fault then
    handle:respond({ [":status"] = fault.status }, fault.message)
  else
    handle:streamInfo():dynamicMetadata():set("triptych", "admitted", true)
  end
end
