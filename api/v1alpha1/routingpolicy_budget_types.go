package v1alpha1

// BudgetPeriod is how long a budget lasts. Periods begin at 00:00 UTC.
//
// +kubebuilder:validation:Enum=Day;Week;Month
type BudgetPeriod string

const (
	// BudgetDay begins every day.
	BudgetDay BudgetPeriod = "Day"
	// BudgetWeek begins every Monday.
	BudgetWeek BudgetPeriod = "Week"
	// BudgetMonth begins on the first of every month.
	BudgetMonth BudgetPeriod = "Month"
)

// BudgetAction is what happens from a threshold on. No action crosses a route's
// minTier.
//
// +kubebuilder:validation:Enum=PreferCheaper;CheapestAllowed;Reject
type BudgetAction string

const (
	// BudgetPreferCheaper takes one tier less than decided.
	BudgetPreferCheaper BudgetAction = "PreferCheaper"
	// BudgetCheapestAllowed takes the lowest tier that the route allows.
	BudgetCheapestAllowed BudgetAction = "CheapestAllowed"
	// BudgetReject answers 429 until the next period.
	BudgetReject BudgetAction = "Reject"
)

// StoreFailureAction is what happens when the budget's store cannot be reached.
//
// +kubebuilder:validation:Enum=Lease;Reject
type StoreFailureAction string

const (
	// StoreFailureLease goes on with leases from the operator.
	StoreFailureLease StoreFailureAction = "Lease"
	// StoreFailureReject answers 429 until the store is back.
	StoreFailureReject StoreFailureAction = "Reject"
)

// Budget limits what the policy may spend in a period. The worst case of a request
// is reserved before its call and settled after it.
type Budget struct {
	// period is Day, Week (from Monday) or Month, each from 00:00 UTC.
	//
	// +required
	Period BudgetPeriod `json:"period"`

	// limitUSD is the limit of the period in USD, above 0 and at most 9000000.
	//
	// +required
	// +kubebuilder:validation:XValidation:rule=`self.matches('^[0-9]{1,7}([.][0-9]{1,6})?$') && double(self) > 0.0 && double(self) <= 9000000.0`,message=`budget.limitUSD must be a decimal above 0 and at most 9000000, such as "500"`
	LimitUSD Decimal `json:"limitUSD"`

	// thresholds say what happens as the limit comes near, 0 to 8 of them; the
	// highest one reached is in force. Omitted: nothing happens; spend is
	// reported, and BudgetWithinLimit turns False at the limit.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:XValidation:rule=`self.all(t, self.exists_one(u, u.percent == t.percent))`,message=`budget.thresholds must be unique by percent`
	Thresholds []BudgetThreshold `json:"thresholds,omitempty"`

	// store shares the count among the routers. Omitted: the operator leases
	// each of them a part of what is left.
	//
	// +optional
	Store *BudgetStore `json:"store,omitempty"`

	// onStoreFailure is Lease (go on with leases from the operator) or Reject
	// (answer 429) when the store cannot be reached. Without a store it says
	// what happens when no new lease can be had: Lease goes on with the last one.
	// Default: Lease.
	//
	// +optional
	// +kubebuilder:default=Lease
	OnStoreFailure StoreFailureAction `json:"onStoreFailure,omitempty"`
}

// BudgetThreshold is what happens from a share of the limit on.
type BudgetThreshold struct {
	// percent of limitUSD from which the action is in force, 1 to 100.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Percent int32 `json:"percent"`

	// action is PreferCheaper (one tier less than decided), CheapestAllowed (the
	// lowest tier that the route allows) or Reject (429 until the next period).
	//
	// +required
	Action BudgetAction `json:"action"`
}

// BudgetStore shares a budget's count among routers.
type BudgetStore struct {
	// redis is a Redis, Valkey, or anything that speaks their protocol.
	//
	// +required
	Redis RedisStore `json:"redis"`
}

// RedisStore is how to reach a Redis.
type RedisStore struct {
	// address is HOST:PORT.
	//
	// +required
	// +kubebuilder:validation:MaxLength=261
	// +kubebuilder:validation:XValidation:rule=`self.matches('^([A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?|[[][0-9A-Fa-f:.]+[]]):[0-9]{1,5}$')`,message=`budget.store.redis.address must be HOST:PORT, such as "redis.cache.svc:6379"`
	Address string `json:"address"`

	// secretRef names the Secret key with the password. Omitted: none is sent.
	//
	// +optional
	SecretRef *SecretKeyReference `json:"secretRef,omitempty"`

	// tls encrypts the connection and checks the server's certificate against
	// the system's authorities. Default: false.
	//
	// +optional
	TLS bool `json:"tls,omitempty"`
}
