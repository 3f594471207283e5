package simulator_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/tiershift/tiershift/internal/simulator"
)

// embedders are a model that embeds and one that talks.
func embedders(dialect simulator.Dialect) simulator.Config {
	return simulator.Config{Dialect: dialect, APIKeys: []string{"sk-test"}, AllowFaultHeader: true, Models: []simulator.Model{
		{Name: "text-embedding-3-small", EmbeddingDimensions: 1536, ContextTokens: 8192},
		{Name: "large", Capability: 0.95},
	}}
}

func embedding(input openai.EmbeddingNewParamsInputUnion) openai.EmbeddingNewParams {
	return openai.EmbeddingNewParams{Model: "text-embedding-3-small", Input: input}
}

func texts(all ...string) openai.EmbeddingNewParamsInputUnion {
	return openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: all}
}

func cosine(a, b []float64) float64 {
	dot, x, y := 0.0, 0.0, 0.0
	for i := range a {
		dot, x, y = dot+a[i]*b[i], x+a[i]*a[i], y+b[i]*b[i]
	}
	return dot / math.Sqrt(x*y)
}

func TestSDKReadsEmbeddingsOfEveryKindOfInput(t *testing.T) {
	p, url := start(t, embedders(simulator.OpenAI))
	const text = "The harbour opens at dawn."
	n := int64(simulator.Tokens(text))
	for name, tt := range map[string]struct {
		input           openai.EmbeddingNewParamsInputUnion
		vectors, tokens int64
	}{
		"a string":         {openai.EmbeddingNewParamsInputUnion{OfString: openai.String(text)}, 1, n},
		"strings":          {texts(text, "Boats", text), 3, 2*n + 1},
		"tokens":           {openai.EmbeddingNewParamsInputUnion{OfArrayOfTokens: []int64{15, 99, 100_256}}, 1, 3},
		"arrays of tokens": {openai.EmbeddingNewParamsInputUnion{OfArrayOfTokenArrays: [][]int64{{15, 99}, {7}}}, 2, 3},
	} {
		t.Run(name, func(t *testing.T) {
			before := p.Stats().Models["text-embedding-3-small"].PromptTokens
			res, err := client(url).Embeddings.New(t.Context(), embedding(tt.input))
			if err != nil {
				t.Fatal(err)
			}
			if res.Object != "list" || int64(len(res.Data)) != tt.vectors || res.Model != "text-embedding-3-small" {
				t.Errorf("%d vectors of %s", len(res.Data), res.Model)
			}
			for i, e := range res.Data {
				if e.Object != "embedding" || e.Index != int64(i) || len(e.Embedding) != 1536 || math.Abs(cosine(e.Embedding, e.Embedding)-1) > 1e-9 {
					t.Errorf("vector %d: %d of %d", i, e.Index, len(e.Embedding))
				}
			}
			if res.Usage.PromptTokens != tt.tokens || res.Usage.TotalTokens != tt.tokens {
				t.Errorf("usage %+v, want %d", res.Usage, tt.tokens)
			}
			if charged := p.Stats().Models["text-embedding-3-small"].PromptTokens - before; charged != tt.tokens {
				t.Errorf("charged %d tokens, want %d", charged, tt.tokens)
			}
		})
	}
}

func TestTextsThatShareWordsLieClose(t *testing.T) {
	_, url := start(t, embedders(simulator.OpenAI))
	res, err := client(url).Embeddings.New(t.Context(), embedding(texts(
		"when does the harbour open", "the harbour does open when", "when does the harbour close", "interest rates rose again")))
	if err != nil {
		t.Fatal(err)
	}
	v := func(i int) []float64 { return res.Data[i].Embedding }
	if same, near, far := cosine(v(0), v(1)), cosine(v(0), v(2)), cosine(v(0), v(3)); same < 0.99 || near < 0.6 || far > 0.3 {
		t.Errorf("same words %.2f, most of them %.2f, none %.2f", same, near, far)
	}
}

func TestShortenedVectorsAndBase64(t *testing.T) {
	_, url := start(t, embedders(simulator.OpenAI))
	params := embedding(texts("Boats in the harbour"))
	params.Dimensions = openai.Int(256)
	whole, err := client(url).Embeddings.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	vector := whole.Data[0].Embedding
	length := 0.0
	for _, x := range vector {
		length += x * x
	}
	if len(vector) != 256 || math.Abs(length-1) > 1e-5 {
		t.Fatalf("%d dimensions of length %g", len(vector), length)
	}
	body := text(t, send(t, url+"/embeddings",
		`{"model":"text-embedding-3-small","input":"Boats in the harbour","dimensions":256,"encoding_format":"base64"}`, "Authorization", "Bearer sk-test"))
	var raw struct{ Data []struct{ Embedding string } }
	if err := json.Unmarshal([]byte(body), &raw); err != nil {
		t.Fatal(err)
	}
	packed, err := base64.StdEncoding.DecodeString(raw.Data[0].Embedding)
	if err != nil || len(packed) != 4*256 {
		t.Fatalf("%d bytes, %v", len(packed), err)
	}
	for i, want := range vector {
		if got := math.Float32frombits(binary.LittleEndian.Uint32(packed[4*i:])); math.Abs(float64(got)-want) > 1e-7 {
			t.Fatalf("element %d: %g, want %g", i, got, want)
		}
	}
}

func TestEmbeddingsRefuse(t *testing.T) {
	_, url := start(t, embedders(simulator.OpenAI))
	for name, tt := range map[string]struct {
		params func(*openai.EmbeddingNewParams)
		option option.RequestOption
		status int
		want   string
	}{
		"an empty text":             {func(p *openai.EmbeddingNewParams) { p.Input = texts("a", "") }, nil, 400, "'$.input' is invalid"},
		"no text":                   {func(p *openai.EmbeddingNewParams) { p.Input = texts() }, nil, 400, "'$.input' is invalid"},
		"an object":                 {nil, option.WithJSONSet("input", map[string]int{"a": 1}), 400, "'$.input' is invalid"},
		"too many texts":            {func(p *openai.EmbeddingNewParams) { p.Input = texts(strings.Split(strings.Repeat("a,", 2048), ",")...) }, nil, 400, "'$.input' is invalid"},
		"a text beyond the context": {func(p *openai.EmbeddingNewParams) { p.Input = texts(strings.Repeat("sea ", 9000)) }, nil, 400, "maximum context length is 8192"},
		"more dimensions":           {func(p *openai.EmbeddingNewParams) { p.Dimensions = openai.Int(5000) }, nil, 400, "Invalid 'dimensions'"},
		"another format":            {func(p *openai.EmbeddingNewParams) { p.EncodingFormat = "int8" }, nil, 400, "Invalid value: 'int8'"},
		"an unknown model":          {func(p *openai.EmbeddingNewParams) { p.Model = "none" }, nil, 404, "does not exist"},
		"a model that talks":        {func(p *openai.EmbeddingNewParams) { p.Model = "large" }, nil, 403, "not allowed to generate embeddings"},
		"a wrong key":               {nil, option.WithAPIKey("sk-nobody"), 401, "Incorrect API key"},
		"a fault that is asked for": {nil, option.WithHeader(simulator.FaultHeader, "status=429"), 429, "Rate limit reached"},
	} {
		t.Run(name, func(t *testing.T) {
			params, options := embedding(texts("a")), []option.RequestOption{}
			if tt.params != nil {
				tt.params(&params)
			}
			if tt.option != nil {
				options = append(options, tt.option)
			}
			_, err := client(url).Embeddings.New(t.Context(), params, options...)
			var typed *openai.Error
			if !errors.As(err, &typed) || typed.StatusCode != tt.status || !strings.Contains(typed.Message, tt.want) {
				t.Errorf("%v, want %d %s", err, tt.status, tt.want)
			}
		})
	}
	_, err := client(url).Chat.Completions.New(t.Context(), ask("text-embedding-3-small", "Hi"))
	var typed *openai.Error
	if !errors.As(err, &typed) || typed.StatusCode != http.StatusNotFound || !strings.Contains(typed.Message, "not a chat model") {
		t.Errorf("a chat with a model that embeds: %v", err)
	}
}

func TestEmbeddingsOfAzureAndMistral(t *testing.T) {
	_, azure := start(t, embedders(simulator.AzureOpenAI))
	base := strings.TrimSuffix(azure, "/v1")
	for name, c := range map[string]openai.Client{
		"deployments": openai.NewClient(option.WithBaseURL(base+"/openai/deployments/text-embedding-3-small/"), option.WithQuery("api-version", "2024-10-21"),
			option.WithHeader("Api-Key", "sk-test"), option.WithMaxRetries(0)),
		"v1": openai.NewClient(option.WithBaseURL(base+"/openai/v1/"), option.WithHeader("Api-Key", "sk-test"), option.WithMaxRetries(0)),
	} {
		if res, err := c.Embeddings.New(t.Context(), embedding(texts("a", "b"))); err != nil || len(res.Data) != 2 || res.Usage.PromptTokens != 2 {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, mistral := start(t, embedders(simulator.Mistral))
	res, err := client(mistral).Embeddings.New(t.Context(), embedding(texts("a", "b")))
	if err != nil || len(res.Data) != 2 || !strings.Contains(res.RawJSON(), `"completion_tokens":0`) || !strings.Contains(res.RawJSON(), `"id":`) {
		t.Errorf("Mistral: %v", err)
	}
	_, deepseek := start(t, embedders(simulator.DeepSeek))
	if _, err := client(deepseek).Embeddings.New(t.Context(), embedding(texts("a"))); err == nil {
		t.Error("DeepSeek has no embeddings")
	}
}
