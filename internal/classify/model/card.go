package model

// Card says what a model is, where it comes from and how well it does, for whoever
// has to trust it.
type Card struct {
	Name string `json:"name,omitempty"`
	// Date is when it was trained, as given by who trained it: YYYY-MM-DD.
	Date string `json:"date,omitempty"`
	// DataDigest is the SHA-256 of the data it was trained on.
	DataDigest string `json:"dataDigest"`
	// Rows are prompts; Groups are they without near-duplicates.
	Rows   int `json:"rows"`
	Groups int `json:"groups"`
	Folds  int `json:"folds"`
	// Licences says under which terms the data was used.
	Licences []string `json:"licences,omitempty"`
	Features string   `json:"features"`
	Notes    []string `json:"notes,omitempty"`
	// Metrics are out of fold: of every prompt by a model that saw neither it
	// nor a near-duplicate.
	Metrics map[string]float64 `json:"metrics"`
}
