package validation

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	// longestRefusal is how many characters a refusal has at most: who goes on for
	// longer has answered something.
	longestRefusal = 700
	// opening is where in a text the refusal must begin.
	opening = 260
)

// refuses reports whether a model says nothing in the text but that it will not
// answer. It errs to false: a refusal that passes costs a bad answer, an answer
// that is taken for a refusal costs a second one, each time.
func refuses(text string) bool {
	if utf8.RuneCountInString(text) > longestRefusal {
		return false
	}
	text = normalize(text)
	if answersAfterAll().MatchString(text) {
		return false
	}
	head := text
	if len(head) > opening*4 {
		head = head[:opening*4] // of UTF-8, at least as many characters
	}
	for _, r := range refusals {
		if r().MatchString(head) {
			return true
		}
	}
	return false
}

var typography = strings.NewReplacer("’", "'", "‘", "'", "‛", "'", "`", "", "*", "", "_", "", "#", "", "\"", "", "“", "", "”", "", "«", "", "»", "", ">", "")

// normalize lowers, straightens quotes, and drops what only decorates.
func normalize(text string) string {
	return strings.Join(strings.Fields(typography.Replace(strings.ToLower(text))), " ")
}

// answersAfterAll holds for texts that only begin like a refusal: they give what
// was asked, or something in its place, and are for people to judge.
var answersAfterAll = lazily(`\b(here's|here is|here are|for example|for instance|the following|step 1|voici|hier ist|hier sind|aquí (tienes|está)|ecco)\b|以下|\bcan't help but\b|\bcannot help but\b|: ?1[.)]`)

// What apologies begin with, and how a model speaks of itself.
const (
	sorryEN = `((i'm|i am|we're|we are) (really |very |so |truly |deeply )?sorry( about that)?|sorry|i apologi[sz]e|(my )?apologies|unfortunately|regrettably|i understand[^.]{0,80}|i appreciate[^.]{0,80}|thank you[^.]{0,60})[,.!:; —–-]*(but |however,? )?`
	asAnAI  = `as (an? )?(ai|artificial intelligence|(large )?language model|assistant)[^,.]{0,50}, ?`
	deedsEN = `(assist|help|provide|comply|fulfil|answer|do (that|this|so)|create|generate|write|engage|continue|discuss|share|support|respond|participate|process|complete|produce|offer|recommend|advise|give|make|talk about|accommodate|proceed|carry out|facilitate|be able to (help|assist|provide|answer))`
)

// lazyPattern is compiled when it is first needed: all of them together take longer
// than a router's whole start, and most policies ask for none.
type lazyPattern func() *regexp.Regexp

func lazily(expression string) lazyPattern {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// refusals are matched against the normalized beginning of a short text, one per
// language and form.
var refusals = []lazyPattern{
	lazily(`^(` + sorryEN + `)*(` + asAnAI + `)?(i|we) ?(cannot|can't|can not|won't|will not|am unable to|are unable to|am not able to|are not able to|'m unable to|'m not able to|'re unable to|must decline to|have to decline to|decline to|refuse to|am not allowed to|'m not allowed to|am not permitted to|'m not permitted to|am not comfortable|'m not comfortable) ` + deedsEN),
	lazily(`^(` + sorryEN + `)*(` + asAnAI + `)?(i|we) (must|have to|need to) (respectfully |politely )?(decline|refuse)\b`),
	lazily(`^(` + sorryEN + `)*(this|that|your|the) (request|prompt|question|content|query)[^.]{0,40}(violates|goes against|is against|conflicts with)[^.]{0,40}(polic|guideline|terms|principle)`),
	lazily(`^(` + sorryEN + `)*it (is|would be|wouldn't be|isn't|is not|would not be) (not )?(appropriate|inappropriate|unethical|ethical|illegal|irresponsible)[^.]{0,12} for me to\b`),
	// German.
	lazily(`^((es )?tut mir ((sehr|wirklich) )?leid|entschuldigung|leider|ich bedaure)[,.!:; ]*(aber )?([^.!?]{0,30} )?kann ich[^.!?]{0,80}\b(nicht|keine|keinen)\b[^.!?]{0,60}(helfen|weiterhelfen|unterstützen|beantworten|bereitstellen|erfüllen|nachkommen|geben|erstellen|schreiben|behilflich)`),
	lazily(`^((es )?tut mir ((sehr|wirklich) )?leid|entschuldigung|leider|als ki[^,.]{0,40}|als sprachmodell[^,.]{0,40})?[,.!:; ]*(aber )?ich (kann|darf|werde)[^.!?]{0,80}\b(nicht|keine|keinen)\b[^.!?]{0,60}(helfen|weiterhelfen|unterstützen|beantworten|bereitstellen|erfüllen|nachkommen|geben|erstellen|schreiben|behilflich)`),
	// French.
	lazily(`^((je suis )?(vraiment )?désolée?|je m'excuse|malheureusement|je regrette|en tant qu'(ia|assistant)[^,.]{0,40})?[,.!:; ]*(mais )?je (ne peux pas|ne peux|ne suis pas en mesure d|ne suis pas autorisée? à|refuse d|dois refuser)[^.!?]{0,40}(aider|fournir|répondre|assister|satisfaire|créer|générer|écrire|donner|traiter|continuer|accéder)`),
	// Spanish.
	lazily(`^(lo siento( mucho)?|lamento|perdón|disculp[ae]|desafortunadamente|lamentablemente|como (una )?(ia|inteligencia artificial|modelo)[^,.]{0,40})?[,.!:; ]*(pero )?(yo )?no (puedo|me es posible|estoy autorizad[oa] a)[^.!?]{0,20}(ayudar|asistir|proporcionar|cumplir|responder|continuar|crear|generar|ofrecer|escribir|brindar|dar)`),
	// Portuguese.
	lazily(`^(desculpe|sinto muito|lamento|infelizmente|peço desculpas?|como (uma )?(ia|inteligência artificial|modelo)[^,.]{0,40})?[,.!:; ]*(mas )?(eu )?não (posso|consigo)[^.!?]{0,20}(ajud|fornecer|responder|atender|criar|gerar|auxiliar|escrever|oferecer|cumprir)`),
	// Italian.
	lazily(`^(mi dispiace|spiacente|purtroppo|mi scuso|come (ia|intelligenza artificiale|modello)[^,.]{0,40})?[,.!:; ]*(ma )?non posso[^.!?]{0,20}(aiutar|assister|fornir|risponder|soddisfar|crear|generar|scriver|offrir)`),
	// Dutch.
	lazily(`^((het )?spijt me|sorry|helaas)[,.!:; ]*(maar )?(ik kan|kan ik)[^.!?]{0,60}\b(niet|geen)\b[^.!?]{0,40}(helpen|geven|beantwoorden|voldoen|maken|schrijven)`),
	// Polish, Russian, Turkish.
	lazily(`^(przepraszam|przykro mi|niestety)[,.!:; ]*(ale )?nie mogę[^.!?]{0,20}(pomóc|spełnić|udzielić|odpowiedzieć|zrealizować|stworzyć)`),
	lazily(`^(извините|простите|к сожалению|мне (очень )?жаль|прошу прощения|сожалею)[,.!:; ]*(но )?(я )?не (могу|смогу)[^.!?]{0,20}(помочь|выполнить|предоставить|ответить|создать|написать|обсуждать|продолжить)`),
	lazily(`^(üzgünüm|özür dilerim|maalesef)[^.!?]{0,80}(yardımcı olamam|yardım edemem|yanıtlayamam|sağlayamam|yapamam|veremem)`),
	// Chinese, Japanese, Korean.
	lazily(`^((非常|很|真的)?(抱歉|对不起|對不起|不好意思|遗憾|遺憾)[,，。.!！:： ]*(但是?)?((作为|作為)[^,，。]{1,16}[,，] ?)?我?|(作为|作為)[^,，。]{1,16}[,，] ?我|我)(无法|無法|不能|没办法|沒辦法|没法|不便)(为您|为你|為您|為你|向您|向你|就此)?.{0,10}(帮助|幫助|帮您|帮你|协助|協助|提供|回答|满足|滿足|处理|完成|生成|讨论|討論)`),
	lazily(`^(大変)?(申し訳|すみません|ごめんなさい|恐れ入ります|残念ながら)[^。]{0,10}[、。]? ?.{0,40}(できません|できかねます|いたしかねます|出来ません|お受けできません)`),
	lazily(`^(정말 )?(죄송|미안|유감)[^.]{0,16}[,. ]*.{0,40}(수 없|수가 없|어렵습니다|드리기 어렵)`),
	// Arabic, Hindi.
	lazily(`^(عذر|آسف|أنا آسف|أعتذر|للأسف).{0,40}(لا أستطيع|لا يمكنني|لن أتمكن|لا أقدر)`),
	lazily(`^(क्षमा करें|मुझे खेद है|माफ़ करें|माफ करें|खेद है).{0,80}(नहीं कर सकत|मदद नहीं|नहीं दे सकत|असमर्थ)`),
}
