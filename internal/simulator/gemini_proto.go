package simulator

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// protoMessages are the messages of a request, as far as the API takes them: for
// each member its type. A type is a scalar (string, int, number, bool, bytes), a
// message, json for anything, or a list of one of these.
var protoMessages = map[string]map[string]string{
	"GenerateContentRequest": {
		"model": "string", "contents": "[]Content", "systemInstruction": "Content", "tools": "[]Tool", "toolConfig": "ToolConfig",
		"safetySettings": "[]SafetySetting", "generationConfig": "GenerationConfig", "cachedContent": "string",
		"serviceTier": "string", "labels": "json", "store": "bool",
	},
	"Content": {"role": "string", "parts": "[]Part"},
	"Part": {
		"text": "string", "inlineData": "Blob", "fileData": "FileData", "functionCall": "FunctionCall",
		"functionResponse": "FunctionResponse", "executableCode": "json", "codeExecutionResult": "json", "thought": "bool",
		"thoughtSignature": "bytes", "videoMetadata": "json", "mediaResolution": "json", "partMetadata": "json",
	},
	"Blob":         {"mimeType": "string", "data": "bytes"},
	"FileData":     {"mimeType": "string", "fileUri": "string"},
	"FunctionCall": {"id": "string", "name": "string", "args": "json"},
	"FunctionResponse": {
		"id": "string", "name": "string", "response": "json", "parts": "[]FunctionResponsePart", "willContinue": "bool", "scheduling": "string",
	},
	"FunctionResponsePart": {"inlineData": "Blob"},
	"Tool": {
		"functionDeclarations": "[]FunctionDeclaration", "googleSearch": "json", "codeExecution": "json", "urlContext": "json",
		"googleSearchRetrieval": "json", "googleMaps": "json", "computerUse": "json", "fileSearch": "json",
	},
	"FunctionDeclaration": {
		"name": "string", "description": "string", "parameters": "Schema", "parametersJsonSchema": "json", "response": "Schema",
		"responseJsonSchema": "json", "behavior": "string",
	},
	"ToolConfig":            {"functionCallingConfig": "FunctionCallingConfig", "retrievalConfig": "json"},
	"FunctionCallingConfig": {"mode": "string", "allowedFunctionNames": "[]string"},
	"SafetySetting":         {"category": "string", "threshold": "string"},
	"GenerationConfig": {
		"temperature": "number", "topP": "number", "topK": "number", "candidateCount": "int", "maxOutputTokens": "int",
		"stopSequences": "[]string", "presencePenalty": "number", "frequencyPenalty": "number", "seed": "int32",
		"responseMimeType": "string", "responseSchema": "Schema", "responseJsonSchema": "json", "responseLogprobs": "bool",
		"logprobs": "int", "thinkingConfig": "ThinkingConfig", "responseModalities": "[]string", "mediaResolution": "string",
		"speechConfig": "json", "imageConfig": "json", "enableEnhancedCivicAnswers": "bool",
	},
	"ThinkingConfig": {"includeThoughts": "bool", "thinkingBudget": "int", "thinkingLevel": "string"},
	"Schema": {
		"type": "string", "format": "string", "title": "string", "description": "string", "nullable": "bool", "enum": "[]string",
		"maxItems": "int", "minItems": "int", "properties": "map[]Schema", "required": "[]string", "minProperties": "int",
		"maxProperties": "int", "minLength": "int", "maxLength": "int", "pattern": "string", "example": "json",
		"anyOf": "[]Schema", "propertyOrdering": "[]string", "default": "json", "items": "Schema", "minimum": "number", "maximum": "number",
	},
}

// protoMessage checks a message and returns it with its members in the spelling
// of the reference. The path is in snake case, as Google's errors have it.
func protoMessage(name, path string, v any) (any, *apiError) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil, badRequest(path, "", "Invalid value at '%s' (type.googleapis.com/google.ai.generativelanguage.v1beta.%s), %v", path, name, "expected an object")
	}
	out := map[string]any{}
	for _, key := range sortedKeys(object) {
		field := lowerCamel(key)
		kind, known := protoMessages[name][field]
		if !known {
			return nil, badRequest(path, "", "Invalid JSON payload received. Unknown name %q%s: Cannot find field.", key, atPath(path))
		}
		if object[key] == nil {
			continue
		}
		value, err := protoValue(kind, strings.TrimPrefix(path+"."+snake(field), "."), object[key])
		if err != nil {
			return nil, err
		}
		out[field] = value
	}
	return out, nil
}

func sortedKeys(m map[string]any) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func atPath(path string) string {
	if path == "" {
		return ""
	}
	return fmt.Sprintf(" at '%s'", path)
}

func protoValue(kind, path string, v any) (any, *apiError) {
	if of, ok := strings.CutPrefix(kind, "map[]"); ok {
		return protoMap(of, path, v)
	}
	if of, ok := strings.CutPrefix(kind, "[]"); ok {
		return protoList(of, path, v)
	}
	if _, message := protoMessages[kind]; message {
		return protoMessage(kind, path, v)
	}
	return protoScalar(kind, path, v)
}

// protoList checks a list; a single value stands for a list of one.
func protoList(kind, path string, v any) (any, *apiError) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]any, len(list))
	for i, e := range list {
		value, err := protoValue(kind, path+"["+strconv.Itoa(i)+"]", e)
		if err != nil {
			return nil, err
		}
		out[i] = value
	}
	return out, nil
}

func protoMap(kind, path string, v any) (any, *apiError) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil, badRequest(path, "", "Invalid value at '%s': expected an object", path)
	}
	out := map[string]any{}
	for _, key := range sortedKeys(object) {
		value, err := protoValue(kind, path+"["+strconv.Quote(key)+"]", object[key])
		if err != nil {
			return nil, err
		}
		out[key] = value
	}
	return out, nil
}

func protoScalar(kind, path string, v any) (any, *apiError) {
	text, isText := v.(string)
	ok := true
	switch kind {
	case "string":
		ok = isText
	case "bytes":
		ok = isText && decodesBase64(text)
	case "bool":
		_, ok = v.(bool)
	case "number", "int", "int32":
		v, ok = protoNumber(kind, v)
	}
	if !ok {
		return nil, badRequest(path, "", "Invalid value at '%s' (TYPE_%s)", path, strings.ToUpper(kind))
	}
	return v, nil
}

// protoNumber reads a number, which may be quoted.
func protoNumber(kind string, v any) (float64, bool) {
	f, ok := v.(float64)
	if text, isText := v.(string); isText {
		var err error
		f, err = strconv.ParseFloat(text, 64)
		ok = err == nil
	}
	switch kind {
	case "int":
		return f, ok && f == float64(int64(f))
	case "int32":
		return f, ok && f == float64(int32(f))
	}
	return f, ok
}

// decodesBase64 accepts either alphabet, padded or not, as the JSON mapping does.
func decodesBase64(s string) bool {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	_, err := base64.RawStdEncoding.DecodeString(s)
	return err == nil
}

func lowerCamel(name string) string {
	words := strings.Split(strings.TrimPrefix(name, "_"), "_")
	for i, w := range words[1:] {
		if w != "" {
			words[i+1] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "")
}

func snake(name string) string {
	var b strings.Builder
	for _, c := range name {
		if 'A' <= c && c <= 'Z' {
			b.WriteByte('_')
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}
