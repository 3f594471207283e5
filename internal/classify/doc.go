// Package classify judges what a request asks: which routes' prompt conditions
// and expressions it meets, and how demanding it is. An [Analyzer] is built once
// per config; an [Analysis] answers for one request and computes what it is
// asked, once, when it is asked.
//
// It must never do I/O, never read a clock or draw a random number, never see a
// model's answer, and never allocate for a request that no expression reads.
//
// # What is read
//
// Routes look at all user messages, in full: a keyword or pattern of a route
// with a floor is found wherever it stands. Custom rules and the preset look at
// the last user message, and of one longer than 2 KB only at the first 1.5 KB and
// the last 0.5 KB: what is asked for stands at the beginning or the end. Whether
// a text holds code is judged by that much of it everywhere.
//
// # Rules
//
// Custom rules are tried in their order, then those of the preset. The first
// that matches with a confidence of at least [MinConfidence] decides. If there
// is none, the request is undecided, and the verdict of the first rule that
// matched is a best guess.
//
// The Standard preset, in the order in which its rules are tried:
//
//	rule               class     confidence  fires when
//	translation        SIMPLE    0.83        a translation is asked for, and not one of code
//	keyword-prove      COMPLEX   0.95        a proof or derivation is asked for
//	code-block-long    COMPLEX   0.70*       more than 1,500 bytes of code are given
//	many-requirements  COMPLEX   0.95        something is to be built, and a list says what it has to do
//	keyword-design     COMPLEX   0.89        a design is asked for, and not a "simple" one
//	keyword-analyze    COMPLEX   0.78        analyse, evaluate, assess, optimise, audit …
//	keyword-reason     COMPLEX   0.70*       trade-offs, step by step, explain why; 24 to 200 tokens
//	brief-answer       SIMPLE    0.85        "in one sentence", "stand for" …; up to 80 tokens
//	greeting           SIMPLE    0.77        hello, thanks …; up to 8 tokens
//	code-block         MODERATE  0.70*       any code is given
//	extraction         SIMPLE    0.70*       extract, classify, list … from given text or into a JSON schema
//	formatting         SIMPLE    0.70*       format, convert, proofread … given text
//	keyword-compare    MODERATE  0.92        compare, versus, pros and cons …
//	keyword-summarize  MODERATE  0.91        a summary is asked for
//	keyword-work       MODERATE  0.95        write, review, fix, implement …
//	keyword-explain    MODERATE  0.95        explain, describe, how, why
//	advice             MODERATE  0.70*       what is, which … and "best", "should" …; up to 40 tokens
//	long-conversation  MODERATE  0.70*       more than 4 user messages
//	long-prompt        MODERATE  0.70*       the request has 4,000 tokens or more
//	short-question     SIMPLE    0.95        what is, who, when, how many …; up to 20 tokens
//	keyword-code       MODERATE  0.74        function, SQL, stack trace … are mentioned
//	short-input        SIMPLE    0.87        up to 4 tokens, or a question of up to 12
//
// Most keywords count only where a sentence asks for something (see isAsk). They
// are English, with the commonest in German, French, Spanish, Portuguese,
// Chinese and Russian; other languages are mostly left undecided. brief-answer,
// greeting, short-question and short-input only fire for a request that stands
// by itself: up to 4 user messages and 1,500 tokens in all, no tools, no images.
//
// # Where the confidences come from
//
// They are the lower ends of the 95 % Wilson intervals of the share of prompts
// for which the rule decides rightly, cut to 0.95, on 2,177 labelled prompts (13
// languages) of UncommonRoute. Of these the preset decides 96 %, 99.0 % of them
// rightly; of the 464 among them on which the keywords were not tuned, 95 % and
// 98.6 %. These prompts are short, by one author, and most of the figures
// include what the keywords were tuned on: other traffic will be less regular.
//
//	rule               prompts  right  Wilson
//	translation             29     28    0.83
//	keyword-prove          310    310    0.99
//	many-requirements      302    301    0.98
//	keyword-design          30     30    0.89
//	keyword-analyze         14     14    0.78
//	brief-answer            22     22    0.85
//	greeting                13     13    0.77
//	keyword-compare        136    131    0.92
//	keyword-summarize       40     40    0.91
//	keyword-work           370    366    0.97
//	keyword-explain        197    196    0.97
//	short-question         512    511    0.99
//	keyword-code            18     17    0.74
//	short-input             86     81    0.87
//
// An asterisk marks rules for which there are fewer than ten prompts: they are
// assumed to be just good enough. Extraction and formatting go to the lowest
// tier because that is what it is for; the same labels take such requests for
// MODERATE when no material comes with them, and so does keyword-work.
//
// How far a verdict tells that a stronger model is needed was measured on 19,204
// questions answered by a weak and a strong model (RouteLLM's MMLU and GSM8K,
// MMLU-Pro, LLMRouter's nine tasks), most of them multiple choice, of which the
// preset decides 17 %. Of all of them, 25 % are answered rightly only by the
// strong model; of those that a rule decides (their number in brackets):
// short-input 0 % (69), short-question 7 % (455), keyword-explain 15 % (357),
// keyword-code 26 % (159), keyword-compare 29 % (219), code-block 39 % (31),
// keyword-work 40 % (1,716), keyword-prove 54 % (13); but keyword-analyze 19 %
// (43), keyword-reason 16 % (19) and many-requirements 13 % (16): in questions of
// examinations these say nothing.
package classify
