package simulator

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"
)

// embeddingsWire is OpenAI's Embeddings, which its providers serve beside chat
// completions (https://platform.openai.com/docs/api-reference/embeddings/create).
var embeddingsWire = &otherWire{document: func(x *exchange) []byte { return x.whole }}

// What a request for embeddings may hold, as OpenAI documents it.
const (
	maxEmbeddingInputs = 2048
	maxEmbeddingTokens = 300_000 // of all inputs
)

// asksForEmbeddings reports whether a request is for embeddings.
func asksForEmbeddings(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/embeddings") }

// embeddingRequest is a request for embeddings.
type embeddingRequest struct {
	Model          string         `json:"model"`
	Input          embeddingInput `json:"input"`
	EncodingFormat string         `json:"encoding_format"`
	Dimensions     *int           `json:"dimensions"`
}

// embeddingInput are the texts to embed, each as its tokens: those that the client
// made itself are told apart by their numbers.
type embeddingInput [][]string

var errEmbeddingInput = badRequest("", "", "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.")

// UnmarshalJSON implements [json.Unmarshaler]: a string, an array of strings, of
// tokens, or of arrays of tokens.
func (in *embeddingInput) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*in = embeddingInput{pieces(text)}
		return nil
	}
	var texts []string
	if json.Unmarshal(data, &texts) == nil {
		for _, text := range texts {
			*in = append(*in, pieces(text))
		}
		return nil
	}
	var numbers []uint32
	if json.Unmarshal(data, &numbers) == nil {
		*in = embeddingInput{tokenNames(numbers)}
		return nil
	}
	var lists [][]uint32
	if json.Unmarshal(data, &lists) != nil {
		return errNoEmbeddingInput
	}
	for _, numbers := range lists {
		*in = append(*in, tokenNames(numbers))
	}
	return nil
}

var errNoEmbeddingInput = errors.New("no input")

func tokenNames(numbers []uint32) []string {
	out := make([]string, len(numbers))
	for i, n := range numbers {
		out[i] = string(binary.LittleEndian.AppendUint32(nil, n))
	}
	return out
}

// tokens counts those of all inputs.
func (in embeddingInput) tokens() int {
	n := 0
	for _, text := range in {
		n += len(text)
	}
	return n
}

// embed answers a request for embeddings, or returns the error to answer with.
func (p *Provider) embed(w http.ResponseWriter, r *http.Request, body []byte) *apiError {
	if r.Method != http.MethodPost {
		return errMethod(http.MethodPost)
	}
	if err := p.authenticate(r.Header); err != nil {
		return err
	}
	serial := p.serial.Add(1)
	x := &exchange{Provider: p, w: w, ctx: r.Context(), rand: draws(mix(p.cfg.Seed, hashText(p.cfg.Name)), mix(serial, 1)), wire: embeddingsWire}
	asked, malformed := decodeEmbeddings(body)
	if m := deployment.FindStringSubmatch(r.URL.Path); m != nil {
		asked.Model = m[1]
	}
	x.req = &request{Model: asked.Model}
	if err := x.chooseFault(r.Header.Get(FaultHeader)); err != nil {
		return err
	}
	p.setHeaders(w.Header(), serial, 0)
	if x.disrupt() {
		return nil
	}
	if malformed != nil {
		return malformed
	}
	if err := x.prepareEmbeddings(asked, serial); err != nil {
		return err
	}
	x.answer()
	return nil
}

func decodeEmbeddings(body []byte) (*embeddingRequest, *apiError) {
	asked := &embeddingRequest{}
	err := json.Unmarshal(body, asked)
	var mistyped *json.UnmarshalTypeError
	switch {
	case err == nil:
		return asked, nil
	case !json.Valid(body):
		return asked, errInvalidJSON
	case errors.As(err, &mistyped):
		return asked, errInvalidType(mistyped.Field, mistyped.Type.String(), mistyped.Value)
	default:
		return asked, errEmbeddingInput
	}
}

// prepareEmbeddings checks the request and settles its whole answer.
func (x *exchange) prepareEmbeddings(asked *embeddingRequest, serial uint64) *apiError {
	if asked.Model == "" {
		return errNoModel
	}
	var ok bool
	if x.model, ok = x.models[asked.Model]; !ok {
		return errUnknownModel(asked.Model)
	}
	if err := asked.check(&x.model.Model); err != nil {
		return err
	}
	tokens := asked.Input.tokens()
	x.c = &completion{usage: usage{prompt: tokens}}
	x.pace = newPacer(x.cfg.Clock, x.cfg.Clock.Now(), x.currentLatency(), x.rand, 0)
	x.whole = x.encodeEmbeddings(asked, serial)
	x.setHeaders(x.w.Header(), serial, tokens)
	return nil
}

// check checks a request as the API does. The first fault found is returned.
func (r *embeddingRequest) check(m *Model) *apiError {
	switch {
	case m.EmbeddingDimensions == 0:
		return newError(http.StatusForbidden, "", "", "You are not allowed to generate embeddings from this model")
	case len(r.Input) == 0 || len(r.Input) > maxEmbeddingInputs:
		return errEmbeddingInput
	case !slices.Contains([]string{"", "float", "base64"}, r.EncodingFormat):
		return badRequest("encoding_format", "invalid_value", "Invalid value: '%s'. Supported values are: 'float' and 'base64'.", r.EncodingFormat)
	case r.Input.tokens() > maxEmbeddingTokens:
		return badRequest("", "max_tokens_per_request", "Requested %d tokens, max %d tokens per request", r.Input.tokens(), maxEmbeddingTokens)
	}
	for _, text := range r.Input {
		if len(text) == 0 {
			return errEmbeddingInput
		}
		if m.ContextTokens > 0 && len(text) > m.ContextTokens {
			return badRequest("", "", "This model's maximum context length is %d tokens, however you requested %d tokens "+
				"(%d in your prompt; 0 for the completion). Please reduce your prompt; or completion length.", m.ContextTokens, len(text), len(text))
		}
	}
	return checkRange("dimensions", "integer", r.Dimensions, 1, m.EmbeddingDimensions)
}

type wireEmbedding struct {
	Object    string `json:"object"`
	Index     int    `json:"index"`
	Embedding any    `json:"embedding"`
}

type embeddingUsage struct {
	PromptTokens     int  `json:"prompt_tokens"`
	TotalTokens      int  `json:"total_tokens"`
	CompletionTokens *int `json:"completion_tokens,omitempty"`
}

// encodeEmbeddings writes the answer. Mistral's has an id, and states that nothing
// was generated.
func (x *exchange) encodeEmbeddings(asked *embeddingRequest, serial uint64) []byte {
	answer := struct {
		ID     string          `json:"id,omitempty"`
		Object string          `json:"object"`
		Data   []wireEmbedding `json:"data"`
		Model  string          `json:"model"`
		Usage  *embeddingUsage `json:"usage,omitempty"`
	}{Object: "list", Model: cmp.Or(x.model.Snapshot, x.model.Name)}
	if !x.fault.shape.NoUsage {
		answer.Usage = &embeddingUsage{PromptTokens: x.c.usage.prompt, TotalTokens: x.c.usage.prompt}
	}
	if x.cfg.Dialect == Mistral {
		answer.ID = x.dialect.id(draws(x.cfg.Seed, serial))
		if answer.Usage != nil {
			answer.Usage.CompletionTokens = new(int)
		}
	}
	dimensions := x.model.EmbeddingDimensions
	if asked.Dimensions != nil {
		dimensions = *asked.Dimensions
	}
	for i, text := range asked.Input {
		vector := embedding(x.model.Name, text, x.model.EmbeddingDimensions, dimensions)
		e := wireEmbedding{Object: "embedding", Index: i, Embedding: vector}
		if asked.EncodingFormat == "base64" {
			e.Embedding = base64Floats(vector)
		}
		answer.Data = append(answer.Data, e)
	}
	return encode(answer, x.dialect.indent)
}

// embedding is the unit vector of a text: the sum of a vector per token, fixed by
// model and token, so that texts which share words lie close to each other. Cut to
// fewer dimensions it is made a unit vector again.
func embedding(model string, text []string, full, dimensions int) []float32 {
	sum := make([]float64, full)
	for _, piece := range text {
		r := draws(hashText(model), hashText(strings.ToLower(strings.TrimSpace(piece))))
		for i := range sum {
			sum[i] += r.Float64() - 0.5
		}
	}
	norm := 0.0
	for _, v := range sum[:dimensions] {
		norm += v * v
	}
	out := make([]float32, dimensions)
	for i := range out {
		out[i] = float32(sum[i] / math.Sqrt(norm))
	}
	return out
}

// base64Floats is a vector in the API's binary form: little-endian float32.
func base64Floats(vector []float32) string {
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, vector) // a buffer takes all
	return base64.StdEncoding.EncodeToString(b.Bytes())
}
