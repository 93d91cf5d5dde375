package plan

// Dist is a distribution of numbers: sizes in bytes or times in seconds, by its
// field. The zero value is always 0.
type Dist struct {
	// Kind is "", constant, uniform, normal, exponential or mix.
	Kind string `json:"kind,omitempty"`
	// A and B are: constant A; uniform from A to B; normal with mean A and deviation B;
	// exponential with mean A.
	A float64 `json:"a,omitempty"`
	B float64 `json:"b,omitempty"`
	// Mix is of kind mix: each with its weight.
	Mix []Weighted `json:"mix,omitempty"`
}

// Weighted is one of several distributions.
type Weighted struct {
	Weight float64 `json:"weight"`
	Of     Dist    `json:"of"`
}
