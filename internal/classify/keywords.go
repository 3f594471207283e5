package classify

// keywordSet numbers the keyword sets of the Standard preset.
type keywordSet int

const (
	setTranslate keywordSet = iota
	setProve
	setProof
	setDesign
	setBuild
	setModest
	setAnalyze
	setAudit
	setReason
	setCompare
	setSummarize
	setCode
	setWork
	setExplain
	setAdvice
	setExtract
	setFormat
	setBrief
	setFact
	setGreeting
	presetSets
)

// presetKeywords are the keywords of the Standard preset by set.
var presetKeywords = [presetSets][]string{
	setTranslate: {
		"translate", "translation of", "how do you say", "how do i say",
		"übersetze", "traduis", "traduisez", "traduce", "traduza", "翻译", "переведи",
	},
	setProve: {
		"prove", "disprove", "derive", "show that", "give a proof", "establish that", "demonstrate that",
		"beweise", "zeige, dass", "leite die", "leite den", "leite eine", "prouve", "prouvez", "démontre", "démontrez", "montre que", "demuestra", "deriva",
		"demonstre", "证明", "推导", "докажи", "докажите", "выведи",
	},
	setProof: {"by induction", "backward induction", "formal proof", "formal verification", "proof by contradiction"},
	setDesign: {
		"design", "architect", "build", "plan a migration", "plan the migration",
		"entwirf", "entwerfe", "baue", "conçois", "concevez", "construis", "diseña", "construye", "projete", "construa", "设计一", "构建一", "спроектируй", "построй",
	},
	setBuild: {
		"implement", "create", "develop", "set up", "refactor", "migrate", "plan",
		"implementiere", "implémente", "implementa", "implemente", "erstelle", "crée", "crea", "crie", "实现", "реализуй", "создай",
	},
	setModest: {
		"simple", "basic", "minimal", "small", "short", "single", "single-component", "test cases", "test scenarios", "unit tests", "load tests",
		"chaos tests", "tests for", "function", "regex", "one-liner", "logo",
	},
	setAnalyze: {
		"analyze", "analyse", "evaluate", "assess", "critique", "investigate", "justify", "audit", "optimize", "optimise",
		"analysiere", "bewerte", "évalue", "evalúa", "avalie", "optimiere", "优化", "评估", "проанализируй", "оптимизируй",
	},
	setAudit:  {"security audit", "threat model", "threat modeling", "root cause analysis"},
	setReason: {"trade-offs", "tradeoffs", "trade-off", "tradeoff", "step by step", "step-by-step", "explain why"},
	setCompare: {
		"compare", "vs", "versus", "pros and cons", "difference between", "differences between", "advantages and disadvantages",
		"trade-offs between", "tradeoffs between",
		"vergleiche", "unterschied zwischen", "compara", "diferencia entre", "比较", "区别", "сравни",
	},
	setSummarize: {
		"summarize", "summarise", "summary of", "tl;dr", "tldr", "overview of", "key points", "main points",
		"总结", "суммируй",
	},
	setCode: {
		"function", "script", "sql", "regex", "unit test", "unit tests", "debug", "refactor", "bug", "stack trace",
		"python", "javascript", "typescript", "golang", "java", "kotlin", "c++", "c#", "php", "pytest", "terraform", "kubectl", "bash",
		"funktion", "skript", "fonction", "función", "função", "函数", "脚本", "функцию",
	},
	setWork: {
		"write", "create", "generate", "draft", "compose", "outline", "brainstorm", "ideas for", "rewrite", "rephrase", "simplify",
		"review", "implement", "convert", "recommend", "suggest", "develop", "refactor", "fix", "debug", "check", "test", "deploy",
		"update", "walk me through", "give me", "help me", "find", "identify", "calculate", "compute", "solve", "plan", "improve",
		"schreibe", "fasse", "résume", "resume", "resuma", "implementiere", "überprüfe", "écris", "implémente", "révise", "escribe", "implementa", "revisa",
		"escreva", "implemente", "revise", "实现", "审查", "重写", "напиши", "реализуй", "перепиши", "проверь",
	},
	setExplain: {
		"explain", "describe", "how does", "how do", "how can", "how should", "how to", "why", "where do i start",
		"erkläre", "wie funktioniert", "wie", "explique", "comment", "explica", "cómo", "como", "解释", "怎么", "如何", "объясни", "как",
	},
	setAdvice: {"should", "best", "better", "worth", "recommended", "ideal"},
	setExtract: {
		"extract", "classify", "categorize", "categorise", "label", "tag", "list", "find all",
		"提取", "分类",
	},
	setFormat: {
		"format", "reformat", "convert", "capitalize", "proofread", "spell-check", "sort",
		"fix the grammar", "fix the spelling", "fix grammar", "correct the grammar", "correct the spelling",
	},
	setBrief: {
		"in one sentence", "in a sentence", "one or two sentences", "in one word", "one-word answer", "in simple words", "in simple terms",
		"in plain english", "in basic terms", "very basic terms", "stand for", "stands for", "yes or no", "true or false", "brief definition", "short answer",
		"briefly",
	},
	setFact: {
		"what is", "what's", "what does", "what do", "who", "when", "where", "which", "define", "definition of", "meaning of",
		"how many", "how much", "how old", "how long", "how far", "what year", "what time", "what day",
		"was ist", "was bedeutet", "wer", "wann", "wo", "qu'est-ce", "qui", "quand", "où", "qué es", "qué significa", "quién", "cuándo", "dónde",
		"o que é", "quem", "quando", "onde", "什么是", "是什么", "什么", "谁", "что такое", "кто", "когда", "где",
	},
	setGreeting: {
		"hi", "hello", "hey", "thanks", "thank you", "good morning", "good evening", "ok", "okay", "bye", "goodbye", "test", "testing", "ping",
		"hallo", "danke", "bonjour", "merci", "hola", "gracias", "olá", "obrigado", "你好", "谢谢", "привет", "спасибо",
	},
}
