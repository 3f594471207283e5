package simulator

// completion is everything that an answer to a request says, whatever the wire
// form it is sent in.
type completion struct {
	id          string
	created     int64
	model       string
	fingerprint string
	tier        string
	choices     []choice
	usage       usage
	difficulty  float64
}

// usage is what a completion cost, in tokens.
type usage struct {
	prompt, cached, cacheWritten int
	// completion includes reasoning.
	completion, reasoning int
	// reportWrites puts cacheWritten on the wire.
	reportWrites bool
}

// order is a request that is to be completed.
type order struct {
	req        *request
	model      *Model
	capability float64
	seed       uint64
	prompt     promptCount
	cached     int
	written    int
	// serial tells apart requests that are answered alike.
	serial  uint64
	created int64
	dialect dialect
}

// complete answers a request. But for the id, the time and the cached tokens,
// the answer is fixed by the seed, the model's name and the conversation.
func complete(o order) *completion {
	seed := mix(o.seed, hashText(o.model.Name))
	hash, difficulty := o.req.hash(), o.req.difficulty()
	c := &completion{
		id:          o.dialect.id(draws(seed, o.serial)),
		created:     o.created,
		model:       o.model.Name,
		fingerprint: "fp_" + token(draws(seed, 0), hexDigits, 10),
		tier:        servedTier(o.req.ServiceTier),
		difficulty:  difficulty,
		usage: usage{
			prompt: o.prompt.tokens, cached: o.cached, cacheWritten: o.written,
			reportWrites: o.model.CacheWrites,
		},
	}
	if o.model.Snapshot != "" {
		c.model = o.model.Snapshot
	}
	for i := range o.req.choices() {
		choiceHash := hash
		if i > 0 {
			choiceHash = mix(hash, uint64(i))
		}
		t := &task{
			req: o.req, prompt: o.req.prompt(), model: o.model, capability: o.capability, difficulty: difficulty,
			result: Outcome(seed, o.capability, difficulty, choiceHash),
			rand:   draws(mix(seed, 1), choiceHash),
		}
		reasoning, limit := reasoningTokens(o.req, o.model, difficulty), outputLimit(o)
		if limit >= 0 {
			reasoning = min(reasoning, limit)
			limit -= reasoning
		}
		answer := t.answer(limit)
		c.choices = append(c.choices, answer)
		c.usage.reasoning += reasoning
		c.usage.completion += reasoning + answer.tokens()
	}
	return c
}

// outputLimit is how many tokens one choice may have; below zero: no bound.
func outputLimit(o order) int {
	limit := -1
	if asked := o.req.maxTokens(); asked > 0 {
		limit = asked
	}
	if m := o.model.MaxOutputTokens; m > 0 && (limit < 0 || m < limit) {
		limit = m
	}
	if m := o.model.ContextTokens; m > 0 && (limit < 0 || m-o.prompt.tokens < limit) {
		limit = m - o.prompt.tokens
	}
	return limit
}

// efforts are the reasoning tokens of a prompt of difficulty 0.5.
var efforts = map[string]int{
	"none": 0, "minimal": 0, "low": 64, "medium": 256, "high": 768, "xhigh": 1536,
}

// reasoningTokens is what a model reasons before an answer, in steps of 64 as
// OpenAI reports them: more for harder prompts and for more effort.
func reasoningTokens(r *request, m *Model, difficulty float64) int {
	effort := r.ReasoningEffort
	if effort == "" && m.Reasoning {
		effort = "medium"
	}
	return int(float64(efforts[effort])*(0.5+difficulty)) / 64 * 64
}

// servedTier is the processing tier that answers state for the tier asked for.
func servedTier(asked string) string {
	switch asked {
	case "flex":
		return "flex"
	case "priority", "fast":
		return "priority"
	default:
		return "default"
	}
}
