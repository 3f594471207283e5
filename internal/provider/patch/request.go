package patch

// Role is who speaks in a message.
type Role uint8

// The roles of Chat Completions. Any other is RoleOther: whether it is known is
// the provider's to say.
const (
	RoleOther Role = iota
	RoleSystem
	RoleDeveloper
	RoleUser
	RoleAssistant
	RoleTool
	RoleFunction
)

// Needs says what a model must be capable of to take a request, as a set of flags.
type Needs uint8

// The capabilities that a request can need.
const (
	NeedTools Needs = 1 << iota
	NeedVision
	NeedJSONSchema
	NeedReasoning
	NeedAudio
	NeedFiles
	// NeedEmbeddings is needed by requests for embeddings, NeedChat by all others.
	NeedEmbeddings
	NeedChat
)

// Request is what [Scan] found in a body. It is reusable: Scan overwrites it,
// and keeps the memory. It refers to the body, which must not change while the
// request is in use, and is not safe for concurrent use.
type Request struct {
	// Body is what was scanned.
	Body []byte
	// Stream says whether the client asked for an event stream.
	Stream bool
	// IncludeUsage says whether the client asked for usage at the end of it.
	IncludeUsage bool

	model         text
	streamOptions streamOptions
	limits        [2]limit // by limitNames
	limitNames    limitNames
	config        config
	choices       int64
	needs         Needs

	messages             []message
	texts                []piece
	user                 said
	turns, tools, images int
	textBytes, toolBytes int64
	// tokens counts those that stand in the body as numbers.
	tokens int64

	metadata []pair
	words    [wordCount]text
	// given is the model of wires that name it in the path; empty: the body does.
	given string
	// cached says that the client marks what is to be cached.
	cached bool
	// foreign says that a thought in the conversation is another provider's.
	foreign bool

	// name is the model of this or an earlier request, kept because the next
	// one usually asks for the same.
	name string
}

// message is one of the messages: its texts are those from index first up to
// the first of the next message.
type message struct {
	role  Role
	first int
}

// piece is one text of a message.
type piece struct {
	text
	message int
}

type pair struct{ key, value text }

// streamOptions says where stream_options can be edited.
type streamOptions struct {
	// key is the member's name with its quotes, and at the value; zero: there
	// is no such member.
	key, at span
	// object is false for null, and empty for {}.
	object, empty bool
	// includeUsage is the value of that member; zero: there is none.
	includeUsage span
}

// limit is a bound on output tokens.
type limit struct {
	// key is the member's name with its quotes, and at the value; zero: there
	// is no such member.
	key, at span
	// given is false for null.
	given bool
	value int64
}

// The two places where a request may bound the output tokens.
const (
	completionLimit = iota
	legacyLimit
)

// limitNames are what a wire calls the bounds; empty: it has only the other.
type limitNames [2]string

// config is the object of Gemini's requests that holds the settings.
type config struct {
	// at is the value; zero: there is no such member.
	at span
	// object is false for null, and empty for {}.
	object, empty bool
}

// word is a member of the request that is a short string.
type word uint8

const (
	wordUser word = iota
	wordPromptCacheKey
	wordSafetyIdentifier
	wordServiceTier
	wordReasoningEffort
	wordResponseFormat
	wordCount
)

// Above these a Request gives its memory back: one rare request must not make
// a pool keep it for ever.
const (
	keepMessages = 1 << 10
	keepTexts    = 1 << 10
	keepPairs    = 1 << 6
	keepName     = 1 << 8
)

// Reset forgets the request and lets go of the body.
func (r *Request) Reset() {
	messages, texts, metadata, name := r.messages[:0], r.texts[:0], r.metadata[:0], r.name
	if cap(messages) > keepMessages {
		messages = nil
	}
	if cap(texts) > keepTexts {
		texts = nil
	}
	if cap(metadata) > keepPairs {
		metadata = nil
	}
	if len(name) > keepName {
		name = ""
	}
	r.user.reset()
	*r = Request{messages: messages, texts: texts, user: r.user, metadata: metadata, name: name, choices: 1}
}

// Model returns the model that the client asked for, unescaped.
func (r *Request) Model() string {
	if r.given != "" {
		return r.given
	}
	if !r.model.escaped() {
		if raw := r.model.of(r.Body); string(raw) != r.name {
			r.name = string(raw)
		}
		return r.name
	}
	return r.model.string(r.Body)
}

// SetModel names the model and says whether an event stream is asked for, of wires
// that put both in the path.
func (r *Request) SetModel(name string, stream bool) { r.given, r.Stream = name, stream }

// User returns the user member, or "".
func (r *Request) User() string { return r.word(wordUser) }

// PromptCacheKey returns the prompt_cache_key member, or "".
func (r *Request) PromptCacheKey() string { return r.word(wordPromptCacheKey) }

// SafetyIdentifier returns the safety_identifier member, or "".
func (r *Request) SafetyIdentifier() string { return r.word(wordSafetyIdentifier) }

// ServiceTier returns the service_tier member, or "".
func (r *Request) ServiceTier() string { return r.word(wordServiceTier) }

// ReasoningEffort returns the reasoning_effort member, or "".
func (r *Request) ReasoningEffort() string { return r.word(wordReasoningEffort) }

// ResponseFormat returns response_format.type, or "".
func (r *Request) ResponseFormat() string { return r.word(wordResponseFormat) }

func (r *Request) word(w word) string { return r.words[w].string(r.Body) }

// Conversation returns what the request says of the conversation it belongs to:
// the first that metadata has of conversation_id, thread_id and session_id, or
// else "". The prompt_cache_key is none: OpenAI means it to be shared by all
// requests with the same beginning, across conversations.
func (r *Request) Conversation() string {
	if len(r.metadata) == 0 {
		return ""
	}
	for _, key := range [...]string{"conversation_id", "thread_id", "session_id"} {
		if id, _ := r.Metadata(key); id != "" {
			return id
		}
	}
	return ""
}

// Metadata returns a value of the metadata object. Only strings count, which is
// all that OpenAI takes; of a key given twice, the last counts.
func (r *Request) Metadata(key string) (string, bool) {
	for i := len(r.metadata) - 1; i >= 0; i-- {
		if p := r.metadata[i]; p.key.is(r.Body, key) {
			return p.value.string(r.Body), true
		}
	}
	return "", false
}

// EachMetadata calls yield with each member of metadata until it returns false.
func (r *Request) EachMetadata(yield func(key, value string) bool) {
	for _, p := range r.metadata {
		if !yield(p.key.string(r.Body), p.value.string(r.Body)) {
			return
		}
	}
}

// MaxOutputTokens returns the most output tokens per choice that the request
// allows, or 0 when it sets no bound. Of two bounds it is the higher: which one
// counts is the provider's secret.
func (r *Request) MaxOutputTokens() int64 {
	most := int64(0)
	for _, l := range r.limits {
		if l.given && l.value < 0 {
			return 0 // llama.cpp and its kin read -1 as no bound
		}
		most = max(most, l.value)
	}
	return most
}

// Choices returns how many answers the request asks for: n, or 1.
func (r *Request) Choices() int64 { return r.choices }

// Messages counts the messages.
func (r *Request) Messages() int { return len(r.messages) }

// Turns counts the messages of the user.
func (r *Request) Turns() int { return r.turns }

// Tools counts the tools and legacy functions on offer.
func (r *Request) Tools() int { return r.tools }

// Images counts the images.
func (r *Request) Images() int { return r.images }

// Needs returns what a model must be capable of.
func (r *Request) Needs() Needs {
	if r.needs&NeedEmbeddings != 0 {
		return r.needs
	}
	return r.needs | NeedChat
}

// HasTools reports whether tools or legacy functions are on offer.
func (r *Request) HasTools() bool { return r.needs&NeedTools != 0 }

// HasImages reports whether an image is attached.
func (r *Request) HasImages() bool { return r.needs&NeedVision != 0 }

// WantsJSONSchema reports whether the answer must follow a JSON schema.
func (r *Request) WantsJSONSchema() bool { return r.needs&NeedJSONSchema != 0 }

// WantsReasoning reports whether the request sets an effort of reasoning other
// than none.
func (r *Request) WantsReasoning() bool { return r.needs&NeedReasoning != 0 }

// TextBytes returns the bytes of the text of all messages, unescaped, and of the
// JSON of the tool calls in the conversation.
func (r *Request) TextBytes() int64 { return r.textBytes }

// Tokens counts the tokens that the client made itself, of what is to be embedded.
func (r *Request) Tokens() int64 { return r.tokens }

// Cached reports whether the client says itself what is to be cached.
func (r *Request) Cached() bool { return r.cached }

// Foreign reports whether the conversation holds thoughts that another provider
// than the wire's own has signed: a conversation that has moved. Its own provider
// refuses them, so that the body cannot go on as it is.
func (r *Request) Foreign() bool { return r.foreign }

// ToolBytes returns the bytes of the JSON that defines tools, functions and the
// response format.
func (r *Request) ToolBytes() int64 { return r.toolBytes }

// AppendLastUserText appends the text of the last user message, unescaped, at
// most limit bytes of it (negative: all) and never part of a character. The
// parts of a message are separated by a newline.
func (r *Request) AppendLastUserText(dst []byte, limit int) []byte {
	return r.appendTexts(dst, r.lastUserTexts(), limit, anyRole)
}

func (r *Request) lastUserTexts() []piece {
	for i := len(r.messages) - 1; i >= 0; i-- {
		if r.messages[i].role == RoleUser {
			return r.textsOf(i)
		}
	}
	return nil
}

// LastUserTextBytes returns the length of what AppendLastUserText appends. So
// much stands at the end of what AppendUserText appends, too, without being
// unescaped twice.
func (r *Request) LastUserTextBytes() int {
	length := 0
	for _, t := range r.lastUserTexts() {
		if length > 0 {
			length++ // the newline between two parts
		}
		length += t.len() - t.saved
	}
	return length
}

// AppendUserText appends the text of all user messages, separated by a newline,
// under the same limit for all of it.
func (r *Request) AppendUserText(dst []byte, limit int) []byte {
	return r.appendTexts(dst, r.texts, limit, func(role Role) bool { return role == RoleUser })
}

// AppendAllText appends the text of all messages, separated by a newline, under
// the same limit for all of it.
func (r *Request) AppendAllText(dst []byte, limit int) []byte {
	return r.appendTexts(dst, r.texts, limit, anyRole)
}

// EachText calls yield with each piece of text in order, until it returns
// false. raw is the inside of a JSON string; escaped says whether it has escapes,
// for [Unescape].
func (r *Request) EachText(yield func(role Role, raw []byte, escaped bool) bool) {
	for _, t := range r.texts {
		if !yield(r.messages[t.message].role, t.of(r.Body), t.escaped()) {
			return
		}
	}
}

// EachPrefixText calls yield with what all turns of a conversation have in common,
// as it stands in the body: its texts up to the first message of the user.
func (r *Request) EachPrefixText(yield func(raw []byte)) {
	for i, t := range r.texts {
		if i > 0 && t.message != r.texts[i-1].message && r.messages[r.texts[i-1].message].role == RoleUser {
			return
		}
		yield(t.of(r.Body))
	}
}

// RawTextBytes returns the length of what EachText yields in all.
func (r *Request) RawTextBytes() int {
	total := 0
	for _, t := range r.texts {
		total += t.len()
	}
	return total
}

func anyRole(Role) bool { return true }

func (r *Request) textsOf(message int) []piece {
	first, end := r.messages[message].first, len(r.texts)
	if message+1 < len(r.messages) {
		end = r.messages[message+1].first
	}
	return r.texts[first:end]
}

func (r *Request) appendTexts(dst []byte, texts []piece, limit int, take func(Role) bool) []byte {
	start := len(dst)
	for _, t := range texts {
		if !take(r.messages[t.message].role) {
			continue
		}
		if len(dst) > start {
			dst = append(dst, '\n')
		}
		left := limit
		if limit >= 0 {
			if left = limit - (len(dst) - start); left <= 0 {
				return dst[:start+min(limit, len(dst)-start)]
			}
		}
		before := len(dst)
		dst = appendText(dst, t.of(r.Body), t.escaped(), left)
		if len(dst)-before < t.len()-t.saved {
			return dst // cut: what follows must not be joined to it
		}
	}
	return dst
}
