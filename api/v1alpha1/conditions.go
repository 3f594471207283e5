package v1alpha1

// ConditionReady is the condition of every kind that sums up the others: True when the
// object does all that its spec asks for.
const ConditionReady = "Ready"

// Conditions of a ProviderCredential. Ready is True when SecretResolved is True and
// Authenticated is not False.
const (
	// ConditionSecretResolved is True when every Secret key that the spec names
	// exists and is not empty.
	ConditionSecretResolved = "SecretResolved"
	// ConditionAuthenticated is True when the provider accepted the key at the
	// last probe, and Unknown when the probe is off.
	ConditionAuthenticated = "Authenticated"
)

// Conditions of a ModelTier. Ready is True when at least one model can be routed
// to; the message names those that cannot.
const (
	// ConditionCredentialsReady is True when the credential of every model is
	// Ready.
	ConditionCredentialsReady = "CredentialsReady"
	// ConditionPricingResolved is True when the price of every model is known.
	ConditionPricingResolved = "PricingResolved"
)

// Conditions of a RoutingPolicy. Ready is True when Accepted, ResolvedRefs and
// Programmed are; a spent budget is no fault of the policy.
const (
	// ConditionAccepted is True when the spec makes sense as it stands.
	ConditionAccepted = "Accepted"
	// ConditionResolvedRefs is True when everything that the spec names exists
	// and can be used.
	ConditionResolvedRefs = "ResolvedRefs"
	// ConditionProgrammed is True when every replica acknowledges the config
	// digest it is to serve.
	ConditionProgrammed = "Programmed"
	// ConditionBudgetWithinLimit is True while the period's spend is below the
	// budget's limit, or there is none.
	ConditionBudgetWithinLimit = "BudgetWithinLimit"
)

// Reasons of any kind.
const (
	// ReasonReady says that everything that the spec asks for is in place.
	ReasonReady = "Ready"
	// ReasonNotReady says that another condition says what is missing.
	ReasonNotReady = "NotReady"
	// ReasonDegraded says that some of it works and some does not; the message says what.
	ReasonDegraded = "Degraded"
	// ReasonPending says that the operator has not looked yet.
	ReasonPending = "Pending"
	// ReasonSuspended says that spec.suspend is true and nothing is changed.
	ReasonSuspended = "Suspended"
	// ReasonNotSupported says that the spec asks for something that this version of
	// Tiershift does not do.
	ReasonNotSupported = "NotSupported"
	// ReasonError says that the operator failed and tries again; the message says at what.
	ReasonError = "Error"
)

// Reasons of SecretResolved, and of ResolvedRefs where a Secret or ConfigMap is
// missing.
const (
	// ReasonResolved says that everything named exists.
	ReasonResolved = "Resolved"
	// ReasonNoSecretNeeded says that the spec names no Secret.
	ReasonNoSecretNeeded = "NoSecretNeeded"
	// ReasonSecretNotFound says that a named Secret does not exist.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretKeyNotFound says that a named Secret lacks the named key.
	ReasonSecretKeyNotFound = "SecretKeyNotFound"
	// ReasonSecretKeyEmpty says that the named key of a Secret is empty.
	ReasonSecretKeyEmpty = "SecretKeyEmpty"
	// ReasonConfigMapNotFound says that a named ConfigMap does not exist.
	ReasonConfigMapNotFound = "ConfigMapNotFound"
	// ReasonConfigMapKeyNotFound says that a named ConfigMap lacks the named key.
	ReasonConfigMapKeyNotFound = "ConfigMapKeyNotFound"
	// ReasonConfigMapInvalid says that the named key does not hold what it should.
	ReasonConfigMapInvalid = "ConfigMapInvalid"
)

// Reasons of Authenticated.
const (
	// ReasonAuthenticated says that the provider accepted the key.
	ReasonAuthenticated = "Authenticated"
	// ReasonProbeDisabled says that spec.probe.mode is Disabled.
	ReasonProbeDisabled = "ProbeDisabled"
	// ReasonKeyRejected says that the provider answered 401 or 403.
	ReasonKeyRejected = "KeyRejected"
	// ReasonNextKeyInUse says that the provider rejects the key of secretRef and accepts
	// that of nextSecretRef.
	ReasonNextKeyInUse = "NextKeyInUse"
	// ReasonProbeFailed says that the provider could not be reached or answered with
	// neither a list nor a rejection; this says nothing about the key.
	ReasonProbeFailed = "ProbeFailed"
)

// Reasons of CredentialsReady, PricingResolved and, of a tier, Ready.
const (
	// ReasonCredentialNotFound says that a named ProviderCredential does not exist.
	ReasonCredentialNotFound = "CredentialNotFound"
	// ReasonCredentialNotReady says that a named ProviderCredential is not Ready.
	ReasonCredentialNotReady = "CredentialNotReady"
	// ReasonPriceUnknown says that a model has neither pricing nor a catalogue entry.
	ReasonPriceUnknown = "PriceUnknown"
	// ReasonNoUsableModel says that no model of the tier can be routed to.
	ReasonNoUsableModel = "NoUsableModel"
)

// Reasons of Accepted.
const (
	// ReasonAccepted says that the spec makes sense as it stands.
	ReasonAccepted = "Accepted"
	// ReasonInvalid says that a field has a value that cannot be used; the message names
	// it.
	ReasonInvalid = "Invalid"
	// ReasonInvalidExpression says that a CEL expression does not compile.
	ReasonInvalidExpression = "InvalidExpression"
	// ReasonConflictingTiers says that a route's minTier ranks above its maxTier.
	ReasonConflictingTiers = "ConflictingTiers"
)

// Reasons of ResolvedRefs.
const (
	// ReasonTierNotFound says that a named ModelTier does not exist.
	ReasonTierNotFound = "TierNotFound"
	// ReasonTierNotReady says that a named ModelTier is not Ready.
	ReasonTierNotReady = "TierNotReady"
	// ReasonModelNotFound says that spec.baseline names a model that its tier lacks.
	ReasonModelNotFound = "ModelNotFound"
)

// Reasons of Programmed.
const (
	// ReasonProgrammed says that every replica acknowledges the config digest.
	ReasonProgrammed = "Programmed"
	// ReasonProgressing says that some replicas are still to acknowledge it.
	ReasonProgressing = "Progressing"
	// ReasonConfigRejected says that a replica refused the config and serves the last
	// good one.
	ReasonConfigRejected = "ConfigRejected"
	// ReasonConfigTooLarge says that the compiled config does not fit into a ConfigMap.
	ReasonConfigTooLarge = "ConfigTooLarge"
	// ReasonNoReplicas says that the policy runs no router.
	ReasonNoReplicas = "NoReplicas"
)

// Reasons of BudgetWithinLimit.
const (
	// ReasonWithinLimit says that the period's spend is below the limit.
	ReasonWithinLimit = "WithinLimit"
	// ReasonNoBudget says that the policy has no budget.
	ReasonNoBudget = "NoBudget"
	// ReasonThresholdReached says that a threshold's action is in force; spend is still
	// below the limit.
	ReasonThresholdReached = "ThresholdReached"
	// ReasonLimitReached says that the period's spend reached the limit.
	ReasonLimitReached = "LimitReached"
	// ReasonSpendUnknown says that the spend could not be read.
	ReasonSpendUnknown = "SpendUnknown"
)
