package patch

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// RequestError says what is wrong with a request body, without quoting it.
type RequestError struct {
	// Offset is the byte of the body that it was found at.
	Offset int
	// Param is the member it is about ("messages[2].content"); empty: the body
	// is no JSON.
	Param   string
	Message string
}

func (e *RequestError) Error() string {
	if e.Param == "" {
		return e.Message
	}
	return e.Param + ": " + e.Message
}

// field is a member of the request that the package reads.
type field uint8

const (
	fieldModel field = iota
	fieldMessages
	fieldStream
	fieldStreamOptions
	fieldMaxCompletionTokens
	fieldMaxTokens
	fieldN
	fieldTools
	fieldFunctions
	fieldResponseFormat
	fieldReasoningEffort
	fieldMetadata
	fieldUser
	fieldPromptCacheKey
	fieldSafetyIdentifier
	fieldServiceTier
	fieldModalities
	fieldAudio
	fieldUnknown
)

// fieldNames are the names of the fields. fieldOf is their inverse: a switch,
// because a map would cost more than all the rest of reading a key.
var fieldNames = [...]string{
	fieldModel:               "model",
	fieldMessages:            "messages",
	fieldStream:              "stream",
	fieldStreamOptions:       "stream_options",
	fieldMaxCompletionTokens: "max_completion_tokens",
	fieldMaxTokens:           "max_tokens",
	fieldN:                   "n",
	fieldTools:               "tools",
	fieldFunctions:           "functions",
	fieldResponseFormat:      "response_format",
	fieldReasoningEffort:     "reasoning_effort",
	fieldMetadata:            "metadata",
	fieldUser:                "user",
	fieldPromptCacheKey:      "prompt_cache_key",
	fieldSafetyIdentifier:    "safety_identifier",
	fieldServiceTier:         "service_tier",
	fieldModalities:          "modalities",
	fieldAudio:               "audio",
}

func fieldOf(key []byte) field { //nolint:gocyclo // a table, which a switch searches fastest
	switch string(key) {
	case "model":
		return fieldModel
	case "messages":
		return fieldMessages
	case "stream":
		return fieldStream
	case "stream_options":
		return fieldStreamOptions
	case "max_completion_tokens":
		return fieldMaxCompletionTokens
	case "max_tokens":
		return fieldMaxTokens
	case "n":
		return fieldN
	case "tools":
		return fieldTools
	case "functions":
		return fieldFunctions
	case "response_format":
		return fieldResponseFormat
	case "reasoning_effort":
		return fieldReasoningEffort
	case "metadata":
		return fieldMetadata
	case "user":
		return fieldUser
	case "prompt_cache_key":
		return fieldPromptCacheKey
	case "safety_identifier":
		return fieldSafetyIdentifier
	case "service_tier":
		return fieldServiceTier
	case "modalities":
		return fieldModalities
	case "audio":
		return fieldAudio
	}
	return fieldUnknown
}

// scanner fills a request from a body.
type scanner struct {
	reader
	r *Request
	// seen has a bit for each field found.
	seen uint32
	bad  *RequestError
	// turnName and turnIndex say which turn is read, of wires other than Chat
	// Completions, and inTurn that the message at hand belongs to it.
	turnName  string
	turnIndex int
	inTurn    bool
}

// Scan checks that a body is a Chat Completions request and fills r. The error
// is a *[RequestError].
//
// The whole body must be JSON and UTF-8, nested at most 512 deep. What routing,
// accounting and [Request.Rewrite] rest on must be of its documented type and
// must not be given twice, since providers differ in which one they read; null
// counts as not given. Their names must be in lower case for the same reason.
// Everything else is the provider's to judge.
func Scan(body []byte, r *Request) error {
	r.Reset()
	r.Body, r.limitNames = body, limitNames{completionLimit: "max_completion_tokens", legacyLimit: "max_tokens"}
	s := scanner{reader: reader{b: body}, r: r}
	s.request() // called by name, as elsewhere it is not: the scanner then stays on the stack
	if s.failed() {
		return s.fault()
	}
	return nil
}

func (s *scanner) fault() *RequestError {
	if s.bad != nil {
		return s.bad
	}
	kind, at := splitFault(s.i)
	return &RequestError{Offset: at, Message: "invalid JSON at byte " + strconv.Itoa(at) + ": " + kind.String()}
}

// reject stops the scan: the value at hand is not what it must be.
func (s *scanner) reject(param, format string, args ...any) {
	if s.failed() {
		return
	}
	s.bad = &RequestError{Offset: s.i, Param: param, Message: fmt.Sprintf(format, args...)}
	s.i = newFault(stopped, s.i)
}

func (s *scanner) request() {
	s.i = skipSpace(s.b, 0)
	switch {
	case s.i == len(s.b):
		s.reject("", "the request body is empty")
		return
	case s.peek() != '{':
		s.notObject()
		return
	}
	s.open()
	for {
		key, ok := s.member()
		if !ok {
			break
		}
		if f := fieldOf(key); f != fieldUnknown {
			s.field(f)
			continue
		}
		s.disguised(key)
		s.skip()
	}
	s.end()
	s.complete()
}

// disguised refuses a member that a server written in Go, such as Ollama, would
// take for one that was read here: encoding/json disregards the case of names.
func (s *scanner) disguised(key []byte) {
	plain := true
	for _, c := range key {
		plain = plain && c < utf8.RuneSelf && (c < 'A' || c > 'Z')
	}
	if plain {
		return
	}
	for _, name := range fieldNames {
		if bytes.EqualFold(key, []byte(name)) {
			s.reject(name, "must be written in lower case")
		}
	}
}

// notObject tells JSON of another type from what is no JSON.
func (s *scanner) notObject() {
	probe := s.reader
	probe.skip()
	probe.end()
	if probe.failed() {
		s.i = probe.i
		return
	}
	s.reject("", "the request body must be a JSON object")
}

// complete checks that what is required was there.
func (s *scanner) complete() {
	if s.seen&(1<<fieldModel) == 0 {
		s.reject("model", "is required and must be a string")
	}
	if s.seen&(1<<fieldMessages) == 0 {
		s.reject("messages", "is required and must be an array")
	}
}

// field reads the value of a top-level member.
func (s *scanner) field(f field) {
	if s.seen&(1<<f) != 0 {
		s.reject(fieldNames[f], "is given twice")
		return
	}
	s.seen |= 1 << f
	switch f {
	case fieldModel:
		s.model()
	case fieldMessages:
		s.messages()
	case fieldTools, fieldFunctions:
		s.tools(f)
	case fieldMaxCompletionTokens:
		s.limit(completionLimit)
	case fieldMaxTokens:
		s.limit(legacyLimit)
	default:
		s.setting(f)
	}
}

func (s *scanner) setting(f field) {
	switch f {
	case fieldStream:
		s.r.Stream = s.boolean("stream")
	case fieldStreamOptions:
		s.streamOptions()
	case fieldN:
		s.choices()
	case fieldResponseFormat:
		s.responseFormat()
	case fieldMetadata:
		s.metadata()
	case fieldModalities:
		s.modalities()
	case fieldAudio:
		if s.peek() == '{' {
			s.r.needs |= NeedAudio
		}
		s.skip()
	default:
		s.words(f)
	}
}

// words reads the members that matter only if they are strings.
func (s *scanner) words(f field) {
	t, ok := s.optionalText()
	if !ok {
		return
	}
	switch f {
	case fieldUser:
		s.r.words[wordUser] = t
	case fieldPromptCacheKey:
		s.r.words[wordPromptCacheKey] = t
	case fieldSafetyIdentifier:
		s.r.words[wordSafetyIdentifier] = t
	case fieldServiceTier:
		s.r.words[wordServiceTier] = t
	case fieldReasoningEffort:
		s.r.words[wordReasoningEffort] = t
		if !t.is(s.b, "none") {
			s.r.needs |= NeedReasoning
		}
	}
}

func (s *scanner) model() {
	if s.peek() != '"' {
		s.reject("model", "must be a string")
		return
	}
	at := s.i
	if s.r.model = s.text(); !s.failed() && s.r.model.len() == 0 {
		s.i = at
		s.reject("model", "must not be empty")
	}
}

// boolean reads true, false or null.
func (s *scanner) boolean(param string) bool {
	c := s.peek()
	if c != 't' && c != 'f' && c != 'n' {
		s.reject(param, "must be true or false")
	}
	s.skip()
	return c == 't' && !s.failed()
}

// container enters the object or array at hand. It is false when there is none:
// because it is null, or because of a fault.
func (s *scanner) container(opening byte, param, what string) bool {
	switch s.peek() {
	case opening:
		s.open()
		return true
	case 'n':
		s.skip()
	default:
		s.reject(param, "must be %s", what)
	}
	return false
}

func (s *scanner) limit(which int) {
	l := &s.r.limits[which]
	if l.key.end > 0 { // under another spelling
		s.reject(s.r.limitNames[which], "is given twice")
		return
	}
	l.key = s.keyAt
	c := s.peek()
	if c != '-' && !isDigit(c) && c != 'n' {
		s.reject(s.r.limitNames[which], "must be an integer")
	}
	at := s.i
	l.value, l.given = s.optionalInt()
	l.at = span{at, s.i}
}

func (s *scanner) choices() {
	c := s.peek()
	if c != '-' && !isDigit(c) && c != 'n' {
		s.reject("n", "must be an integer")
	}
	if n, ok := s.optionalInt(); ok {
		s.r.choices = max(n, 1)
	}
}

func (s *scanner) streamOptions() {
	o := &s.r.streamOptions
	o.key, o.at.start = s.keyAt, s.i
	if s.container('{', "stream_options", "an object") {
		o.object, o.empty = true, true
		for {
			key, ok := s.member()
			if !ok {
				break
			}
			o.empty = false
			if string(key) != "include_usage" {
				s.skip()
				continue
			}
			if o.includeUsage.end > 0 {
				s.reject("stream_options.include_usage", "is given twice")
			}
			o.includeUsage.start = s.i
			s.r.IncludeUsage = s.boolean("stream_options.include_usage")
			o.includeUsage.end = s.i
		}
	}
	o.at.end = s.i
}

func (s *scanner) tools(f field) {
	name := "tools"
	if f == fieldFunctions {
		name = "functions"
	}
	start, count := s.i, 0
	if s.container('[', name, "an array") {
		for s.element() {
			s.skip()
			count++
		}
	}
	if count > 0 {
		s.r.needs |= NeedTools
		s.r.tools += count
		s.r.toolBytes += int64(s.i - start)
	}
}

func (s *scanner) responseFormat() {
	start := s.i
	if !s.container('{', "response_format", "an object") {
		return
	}
	found := false
	for {
		key, ok := s.member()
		if !ok {
			break
		}
		if string(key) != "type" {
			s.skip()
			continue
		}
		if found {
			s.reject("response_format.type", "is given twice")
		}
		found = true
		s.r.words[wordResponseFormat], _ = s.optionalText()
	}
	if s.failed() {
		return
	}
	s.r.toolBytes += int64(s.i - start)
	if s.r.words[wordResponseFormat].is(s.b, "json_schema") {
		s.r.needs |= NeedJSONSchema
	}
}

func (s *scanner) metadata() {
	if !s.container('{', "metadata", "an object") {
		return
	}
	for {
		if _, ok := s.member(); !ok {
			return
		}
		key := text{span{s.keyAt.start + 1, s.keyAt.end - 1}, s.keySaved}
		if value, ok := s.optionalText(); ok {
			s.r.metadata = append(s.r.metadata, pair{key, value})
		}
	}
}

func (s *scanner) modalities() {
	if s.peek() != '[' {
		s.skip()
		return
	}
	s.open()
	for s.element() {
		if t, ok := s.optionalText(); ok && t.is(s.b, "audio") {
			s.r.needs |= NeedAudio
		}
	}
}
