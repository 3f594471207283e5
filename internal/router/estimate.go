package router

import (
	"bytes"

	"github.com/tiershift/tiershift/internal/classify"
	"github.com/tiershift/tiershift/internal/provider/patch"
)

// perMessage is what the chat format of a message costs in tokens, by OpenAI's
// count (https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken_for_chat_completions).
const perMessage = 3

// perImage is what an image of common size costs in tokens at high detail
// (https://platform.openai.com/docs/guides/images-vision#calculating-costs).
const perImage = 765

// Of conversations longer than weighWhole bytes, samples are weighed, evenly
// spread over all messages: what a long conversation costs to weigh must not grow
// with it.
const (
	weighWhole    = 4 << 10
	sampleWindows = 16
	sampleSize    = 128
)

// estimatePrompt estimates the tokens of all messages and tool definitions, or of
// all texts to embed.
func (s *scratch) estimatePrompt() int64 {
	r := &s.request
	tokens := int64(r.Messages()*perMessage+perMessage) + int64(r.Images())*perImage + r.ToolBytes()/bytesPerToken
	if r.Needs()&patch.NeedEmbeddings != 0 {
		tokens = r.Tokens()
	}
	if total := r.RawTextBytes(); total > weighWhole {
		return tokens + s.sampleTexts(total)
	}
	sum := int64(0)
	r.EachText(func(_ patch.Role, raw []byte, escaped bool) bool {
		sum += s.weigh(raw, escaped)
		return true
	})
	return tokens + (sum+500)/1000
}

// sampleTexts estimates the tokens of texts of total bytes, as they stand in the
// body, escapes included.
func (s *scratch) sampleTexts(total int) int64 {
	sum, weighed := int64(0), 0
	begin, sample := 0, 0 // of the text at hand, and the next sample
	s.request.EachText(func(_ patch.Role, raw []byte, escaped bool) bool {
		for ; sample < sampleWindows; sample++ {
			at := sample*(total-sampleSize)/(sampleWindows-1) - begin
			if at >= len(raw) {
				break
			}
			part := raw[at:min(at+sampleSize, len(raw))]
			if escaped {
				part = wholeEscapes(part)
			}
			sum += s.weigh(part, escaped)
			weighed += len(part)
		}
		begin += len(raw)
		return true
	})
	return sum * int64(total) / (int64(max(weighed, 1)) * 1000)
}

// weigh estimates a text in thousandths of a token.
func (s *scratch) weigh(raw []byte, escaped bool) int64 {
	if escaped { // six bytes of \u4e2d are one character
		s.plain = patch.Unescape(s.plain[:0], raw)
		raw = s.plain
	}
	return classify.Millitokens(raw)
}

// wholeEscapes cuts what may be part of an escape from both ends of a piece of
// an escaped text.
func wholeEscapes(part []byte) []byte {
	const longest = len(`\ud83d\ude00`)
	if len(part) < 3*longest {
		return part
	}
	if at := bytes.IndexByte(part[:longest], '\\'); at > 0 {
		part = part[at:]
	}
	if at := bytes.LastIndexByte(part[len(part)-longest/2:], '\\'); at >= 0 {
		part = part[:len(part)-longest/2+at]
	}
	return part
}
