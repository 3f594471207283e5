-- The health of a ModelTier, a RoutingPolicy or a ProviderCredential for Argo CD. The rules are those
-- of kstatus, with one difference: a gateway whose pods are still starting is Progressing although
-- Ready is False, because Argo CD gives up a sync over a resource that is Degraded.
local function condition(kind)
  if obj.status == nil or obj.status.conditions == nil then
    return nil
  end
  for _, c in ipairs(obj.status.conditions) do
    if c.type == kind then
      return c
    end
  end
  return nil
end

-- rollingOut is whether nothing but the pods of the gateway is missing.
local function rollingOut()
  local programmed = condition("Programmed")
  if programmed == nil or programmed.status ~= "False" or programmed.reason ~= "Progressing" then
    return false
  end
  for _, kind in ipairs({"Accepted", "ResolvedRefs"}) do
    local c = condition(kind)
    if c ~= nil and c.status == "False" then
      return false
    end
  end
  return true
end

local function health(status, message)
  return {status = status, message = message or ""}
end

if obj.metadata.deletionTimestamp ~= nil then
  return health("Progressing", "being deleted")
end

local ready = condition("Ready")

if obj.spec ~= nil and obj.spec.suspend == true then
  if ready ~= nil and ready.message ~= nil and ready.message ~= "" then
    return health("Suspended", ready.message)
  end
  return health("Suspended", "spec.suspend is true")
end
if obj.status == nil or obj.status.observedGeneration == nil then
  return health("Progressing", "the operator has not looked at it yet")
end
if obj.metadata.generation ~= nil and obj.status.observedGeneration < obj.metadata.generation then
  return health("Progressing", "the operator has not looked at this generation yet")
end
if ready == nil then
  return health("Progressing", "there is no condition Ready yet")
end
if ready.status == "True" then
  return health("Healthy", ready.message)
end
if ready.status ~= "False" or rollingOut() then
  return health("Progressing", ready.message)
end
return health("Degraded", ready.message)
