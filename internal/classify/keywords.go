package classify

// keywordSet numbers the keyword sets of the Standard preset.
type keywordSet int

const (
	setTranslate keywordSet = iota
	setProve
	setDesign
	setScale
	setBuild
	setAnalyze
	setReason
	setCompare
	setCode
	setWrite
	setExplain
	setExtract
	setFormat
	setFact
	setGreeting
	presetSets
)

// presetKeywords are the keywords of the Standard preset by set.
var presetKeywords = [presetSets][]string{
	setTranslate: {
		"translate", "translation of", "how do you say",
		"übersetze", "traduis", "traduisez", "traduce", "traduza", "翻译", "переведи",
	},
	setProve: {
		"prove", "disprove", "derive", "show that", "by induction", "formal proof", "establish that", "demonstrate that",
		"beweise", "zeige, dass", "leite", "prouve", "prouvez", "démontre", "démontrez", "montre que", "demuestra", "deriva",
		"demonstre", "derive", "证明", "推导", "докажи", "докажите", "выведи",
	},
	setDesign: {
		"design", "architect", "plan a migration", "plan the migration", "threat model",
		"entwirf", "entwerfe", "conçois", "concevez", "diseña", "projete", "设计", "спроектируй",
	},
	setScale: {
		"distributed", "multi-tenant", "multi-region", "end-to-end", "fault-tolerant", "fault tolerance", "high availability", "zero downtime", "real-time", "scalable",
		"platform", "pipeline", "architecture", "system", "engine", "framework", "infrastructure", "microservices",
	},
	setBuild: {
		"build", "implement", "create", "develop", "set up", "write", "optimize", "optimise", "refactor", "migrate", "plan",
	},
	setAnalyze: {
		"analyze", "analyse", "evaluate", "assess", "critique", "investigate", "justify",
		"analysiere", "bewerte", "évalue", "analiza", "evalúa", "analise", "avalie", "分析", "评估", "проанализируй", "оцени",
	},
	setReason: {
		"trade-offs", "tradeoffs", "trade-off", "tradeoff", "step by step", "step-by-step", "explain why", "root cause", "implications",
	},
	setCompare: {
		"compare", "contrast", "vs", "versus", "pros and cons", "difference between", "differences between", "advantages and disadvantages",
		"vergleiche", "unterschied zwischen", "compara", "compare", "diferencia entre", "比较", "区别", "сравни",
	},
	setCode: {
		"function", "script", "sql", "regex", "unit test", "unit tests", "debug", "refactor", "fix", "code", "bug", "stack trace", "api", "query",
		"python", "javascript", "typescript", "java", "golang", "rust", "c++", "bash", "class",
		"funktion", "skript", "fonction", "función", "função", "函数", "脚本", "функцию", "代码",
	},
	setWrite: {
		"write", "create", "generate", "draft", "compose", "summarize", "summarise", "tl;dr", "outline", "brainstorm", "ideas for", "rewrite", "rephrase", "simplify", "review", "implement", "convert", "recommend", "suggest",
		"schreibe", "fasse", "implementiere", "überprüfe", "écris", "résume", "escribe", "resume", "implementa", "revisa", "escreva", "resuma", "implemente", "revise", "写", "总结", "实现", "напиши", "реализуй", "суммируй",
	},
	setExplain: {
		"explain", "describe", "how does", "how do", "how can", "how to", "why",
		"erkläre", "wie funktioniert", "explique", "comment fonctionne", "explica", "cómo funciona", "como funciona", "解释", "объясни", "как работает",
	},
	setExtract: {
		"extract", "classify", "categorize", "categorise", "label", "tag", "identify", "list", "find all", "sentiment",
		"提取", "分类",
	},
	setFormat: {
		"format", "reformat", "convert", "capitalize", "fix the grammar", "fix the spelling", "correct the grammar", "correct the spelling", "proofread", "sort", "spell-check",
	},
	setFact: {
		"what is", "what's", "what does", "who", "when", "where", "which", "define", "definition of", "meaning of", "how many", "how much", "how old", "what year", "what time",
		"was ist", "qu'est-ce", "qué es", "o que é", "什么是", "是什么", "что такое", "был", "cos'è",
	},
	setGreeting: {
		"hi", "hello", "hey", "thanks", "thank you", "good morning", "good evening", "ok", "okay", "bye", "goodbye",
		"hallo", "danke", "bonjour", "merci", "hola", "gracias", "olá", "obrigado", "你好", "谢谢", "привет", "спасибо",
	},
}
