package model

import (
	"strings"
	"unicode/utf8"
)

// concepts are what words ask for, in many languages: the same feature fires for
// "prove" and "beweise", so that what was learned in one language holds in
// others. A word that ends in * stands for all that begin so; of two that fit,
// the longer counts. Chinese and Japanese entries are of one or two characters.
var concepts = [...]struct {
	name, words string
}{
	{"prove", `prove proves proof* proving deriv* theorem* lemma* induction corollar* contradiction rigorous* beweis* herleit* zeige demuestr*
		demostr* demonstr* démontr* montre prouve* preuve* dimostr* prova provare prove-se comprov* докаж* доказ* выведи* вывод* теорем*
		证明 推导 證明 証明 导出 定理 증명* 유도* chứng kanıtla* ispat* udowodni* dowód dowod* dokaž* dokáz* důkaz* bewijs* afleid* bevis* साबित सिद्ध*
		أثبت* برهن* برهان buktikan todista* απόδειξ* αποδείξ* доведи* доведіть הוכח*`},
	{"design", `design* architect* blueprint entwirf* entwerf* entwurf architektur konzipier* diseñ* arquitect* conçois concev* concevez
		conception projete* projetar arquitet* progetta* architettur* проектир* спроектир* разработай* разработ* архитектур* 设计 架构 設計 构建
		搭建 アー 설계* 아키텍* thiết kiến tasarla* tasarım* mimari* zaprojekt* projekt* architekt* navrhn* ontwerp* डिज़ाइन आर्किटेक्चर صمم* صمّم*
		تصميم rancang* suunnittele* utforma* σχεδίασ* спроєкт*`},
	{"analyse", `analyz* analys* evaluat* assess* optimi* critique critically audit* investigat* tradeoff* trade-off* implications bewert*
		beurteil* untersuch* analizz* analiz* evalúa* evaluar avali* évalue* valuta* оцен* оптимиз* анализ* проанализ* 分析 评估 优化 評価 最適 분석*
		평가* 최적* phân đánh değerlendir* incele* oceń ocen* zhodnoť* beoordeel* विश्लेषण मूल्यांकन حلل* حلّل* تحليل قيّم analisis* utvärder*
		arvioi* ανάλυ*`},
	{"system", `distributed scalab* fault-tolerant fault microservice* real-time realtime concurren* pipeline* multi-tenant consensus replicat*
		orchestrat* encrypt* compliance failover throughput latency sharding load-balanc* event-driven high-availability infrastructure
		kubernetes deployment monitoring authentication verteilt* skalierbar* distribu* escalab* escalable évolutif* temps-réel
		distribuito scalabil* распредел* масштаб* отказоустойч* конвейер* реальн* 分布 并发 实时 系统 流水 高可 容错 分散 リア 분산* 실시간* 시스템* hệ phán dağıtık
		ölçekl* rozproszon* skalowal* distribuovan* škálovat* gedistribueerd* schaalba* वितरित स्केल* موزع* terdistribusi microservi*
		microsserviç* микросервис*`},
	{"build", `write writes implement* create build code refactor* develop program generate schreib* implementier* erstell* escrib* escreva
		implement* crea crear crée créer cria criar écri* rédig* scrivi* implementa* напиш* реализ* созда* 写 编写 實現 实现 创建 生成 作成 書い 実装 작성*
		구현* 만들* viết tạo yaz* oluştur* uygula* napisz* zaimplement* stwórz* napiš* vytvoř* schrijf* maak bouw लिखें लिखो बनाएं اكتب* أنشئ*
		tulis* buat* buatkan kirjoita* skriv* γράψ* напиши* створ*`},
	{"explain", `explain* describ* how why elaborat* walk erklär* beschreib* wie warum wieso explic* explique* describ* cómo como por-que expliqu*
		décri* comment pourquoi spieg* descriv* perché объясн* опиш* почему как 解释 说明 描述 为什 如何 怎么 説明 なぜ どう 설명* 어떻게 왜 giải tại açıkla*
		anlat* nasıl neden wyjaśn* opisz* dlaczego jak vysvětl* proč hoe waarom uitleg* leg समझाएं समझाइए कैसे क्यों اشرح* كيف لماذا
		jelaskan* bagaimana mengapa selitä* förklar* εξήγησ* поясни*`},
	{"compare", `compar* versus vs difference* differ pros cons advantages disadvantages vergleich* unterschied* vorteile nachteile diferenc*
		diferença* différence* confront* differenz* vantaggi сравн* отлич* разниц* различ* 比较 对比 区别 差异 優缺 优缺 比較 違い 비교* 차이* sánh khác
		karşılaştır* fark* porówn* różni* porovn* rozdíl* vergelijk* verschil* तुलना अंतर قارن* مقارنة الفرق bandingkan* perbedaan vertaa*
		jämför* σύγκριν* порівн*`},
	{"summarise", `summar* zusammenfass* fasse resum* résum* riassum* sintetiz* synthét* резюм* суммир* обобщ* 总结 概括 摘要 归纳 要約 まと 요약* tóm özetle*
		streść stresz* podsum* shrň shrn* samenvat* vat सारांश لخص* لخّص* ringkas* tiivistä* sammanfatta* перекажи*`},
	{"rewrite", `rewrite* rephras* paraphras* proofread polish shorten simplify reword edit umformulier* kürze reescrib* reescrev* reformul*
		riscriv* перепиш* перефраз* 改写 润色 重写 修改 書き 다시 고쳐* viết-lại düzelt* przeredag* przepisz* přepiš* herschrijf* सुधारें`},
	{"translate", `translat* übersetz* übertrag* traduc* traduz* tradui* tradur* traducci* перевед* перевод* 翻译 翻譯 翻訳 译成 번역* dịch çevir* przetłum*
		přelož* vertaal* अनुवाद ترجم* terjemah* käännä* översätt* μετάφρασ* переклад*`},
	{"fact", `what who whom whose when where which was wer wann welch* qué quién quien* cuándo cuál* dónde qual quais quando onde qui quand
		quel* quels où quoi qu'est-ce chi cosa dove кто что такое когда где какой какая какое сколько 什么 谁 哪 几 多少 何時 いつ 誰 何 どこ 무엇* 누구* 언제
		어디* 뭐 gì ai nào đâu nedir kim ne hangi kaç kto co kiedy gdzie który ile kdo kdy kde kolik wat wie wanneer welke waar क्या कौन कब
		कहाँ ما من متى أين apa siapa kapan mikä kuka vad vem när ποιος τι хто що`},
	{"define", `define definition meaning means stands abbreviation acronym synonym antonym capital population definier* bedeutet bedeutung
		definí* significa* signifie* définiss* значит означает определение 定义 是什 意思 意味 とは 의미* 뜻* nghĩa anlam* tanım* oznacza* znamená
		betekent अर्थ मतलब معنى arti artinya`},
	{"greet", `hi hello hey thanks thank bye goodbye morning hallo danke tschüss hola gracias adiós bonjour merci salut ciao grazie olá obrigad*
		привет* спасибо здравств* 你好 谢谢 您好 再见 こん あり 안녕* 감사* chào cảm merhaba teşekkür* selam cześć dziękuj* ahoj děkuj* hoi dank bedankt
		नमस्ते धन्यवाद مرحبا شكرا halo terima hei kiitos hej tack γεια`},
	{"brief", `brief* concise* short shortly sentence word one-word quick* quickly just only tl;dr tldr kurz* knapp breve* brevemente bref brève*
		courte кратко коротк* 简短 简要 一句 简单 短く 簡潔 간단* 짧* ngắn kısa* kısaca krótk* stručn* kort* संक्षेप باختصار singkat*`},
	{"thorough", `comprehensiv* detailed detail thorough* in-depth complete* entire full essay report extensive exhaustive ausführlich* detaillier*
		umfassend* detallad* complet* détaill* approfondi* dettagliat* подробн* полн* детальн* 详细 全面 完整 深入 詳し 詳細 자세* 상세* 완전* chi-tiết đầy
		ayrıntılı detaylı kapsamlı szczegółow* pełn* podrobn* úpln* uitgebreid* volledig* विस्तृत विस्तार مفصل* شامل* rinci lengkap*`},
	{"constrain", `must should shall least most without exactly constraint* require* ensure* guarantee* within under exceed budget deadline limit*
		muss müssen darf höchstens mindestens ohne debe* deben sin menos doit doivent sans moins deve* senza almeno должен должн* без
		необходим* 必须 至少 不得 不超 要求 确保 保证 必要 最低 반드시 최소* 이내* phải ít malı gerek* zorunda musi* bez musí nejmé* moet* zonder चाहिए يجب دون
		harus tanpa`},
	{"structured", `json yaml xml csv table schema markdown html regex tabelle tabla tableau tabella таблиц* 表格 표 bảng tablo tabel* جدول jadual`},
	{"reason", `optimal maximize minimise minimize maximum minimum suppose assume assuming given probability expected calculate compute determine
		derive equilibrium strategy infer deduce step-by-step puzzle riddle berechn* angenommen gegeben wahrscheinlich* calcul* supon*
		sean dado supposons soit soient вычисл* рассчит* предполож* вероятност* пусть 计算 假设 求 概率 推理 策略 計算 仮定 계산* 가정* 확률* tính giả hesapla*
		varsay* olasılık* oblicz* załóż prawdopod* vypočít* předpokl* bereken* गणना احسب* hitung*`},
	{"negate", `not except never incorrect false least without nicht kein* no nunca excepto pas aucun* sauf non не кроме нет 不 没 非 않* không değil
		nie ne niet नहीं ليس bukan tidak`},
	{"plan", `plan roadmap strateg* migrat* end-to-end integrat* agent* workflow* rollout policy framework phases stages plane planung plán*
		planifi* estrateg* stratég* migra* pianific* план* стратег* 规划 方案 计划 策略 迁移 计画 戦略 계획* 전략* kế chiến plan* strateji* plán* strategi*
		योजना خطة استراتيجية rencana`},
	{"small", `simple basic easy small little tiny trivial minimal hello-world einfach* klein* sencill* básic* pequeñ* simpl* básico petit*
		semplic* прост* маленьк* 简单 基本 小 基础 簡単 쉬운 기본* đơn cơ basit küçük prost* mał* jednoduch* malý eenvoudig* klein* सरल آسان بسيط*
		sederhana`},
	{"creative", `poem story haiku joke lyrics limerick slogan tagline brainstorm* idea* names song caption gedicht* geschichte witz ideen poema
		cuento chiste ideas poème histoire blague idées poesia storia barzelletta стих* рассказ* шутк* иде* 诗 故事 笑话 点子 想法 口号 物語 詩 아이디어 시를
		이야기* thơ câu-chuyện ý-tưởng şiir* hikaye* fikir* wiersz* opowiad* pomysł* báseň* příběh* nápad* gedicht verhaal ideeën कविता कहानी
		قصيدة قصة puisi cerita`},
	{"extract", `extract* classify categor* list identify convert format count sort label tag detect find pick extrah* klassifizier* liste nenne
		extrae* clasific* enumera* convierte extrai* classifi* liste* convertis* elenca* estrai* извлек* классифиц* перечисл* конверт* 提取
		分类 列出 转换 抽出 分類 列挙 변환 추출* 분류* 나열* trích liệt phân-loại çıkar* listele* sınıflandır* wymień* wypisz* wyodrębn* vypiš* vyjmenuj* noem
		lijst निकालें सूची استخرج* اذكر* صنف* sebutkan* daftar`},
	{"maths", `theorem integral* matrix matrices equation* polynomial* eigenvalue* derivative* vector* convex converge* bound* prime modulo
		graph* finite infinite continuous np-hard np-complete reduction complexity gleichung* matriz ecuaci* équation* matrice integrale
		уравнен* матриц* интеграл* 方程 矩阵 积分 函数 收敛 行列 方程式* 행렬* 적분* phương ma-trận denklem* równan* macierz* rovnic* समीकरण`},
	{"debug", `debug* fix error* exception* bug* crash* fail* fails broken traceback stacktrace leak* timeout* troubleshoot* fehler* behebe
		repariere error depura* corrige erreur* débog* errore correggi ошибк* исправ* отлад* 修复 调试 错误 报错 修正 エラ バグ 오류* 디버* 고치* sửa lỗi
		hata* hatayı düzelt błąd* napraw* oprav* chyb* fout* त्रुटि خطأ أصلح* perbaiki`},
	{"review", `review* test tests testing unit document* docstring* refactor* prüfe überprüf* teste revisa* prueba* revise* révis* teste*
		recension* проверь* провер* тест* 审查 测试 检查 审核 テス レビ 검토* 테스트* kiểm xem-xét incele test* sprawdź* przejrzyj* zkontroluj* controleer*
		समीक्षा راجع* اختبار tinjau*`},
	{"code", `function class method api sql query python javascript typescript java golang rust algorithm* struct array database decorator
		endpoint script library bash shell react docker c++ funktion funktionen función fonction funzione função функци* класс скрипт* 函数
		算法 代码 脚本 数据库 関数 コー 함수* 코드* 알고리즘* hàm thuật fonksiyon* funkcj* funkc* functie फ़ंक्शन दالة fungsi`},
	{"also", `and und y e et и 和 与 以及 并 및 그리고 và ve i a en और و dan och ja και та with mit con avec com с 包括 включая including incluyendo
		incluindo einschließlich sowie`},
	{"english", `the of is are in to a an that for with this it on be by from or as at i you`},
	{"polite", `please could would can may kindly help need want i'm i'd bitte könntest kannst por favor puedes podrías s'il peux pourrais per
		puoi potresti пожалуйста можешь 请 帮我 麻烦 能否 くだ お願 주세요 부탁* xin giúp lütfen proszę prosím alsjeblieft कृपया فضلك tolong`},
}

const numConcepts = len(concepts)

// lexicon finds the concept of a word by the hashes of its beginnings. It is a
// hash table with linear probing; a slot holds the hash, and concept+1 with the
// bit that says whether longer words count too.
type lexicon struct {
	slots [lexiconSlots]lexiconSlot
	// taken has a bit per slot of the words that longer ones may begin with: it
	// answers most questions, and fits the fastest cache.
	taken [lexiconSlots / 64]uint64
}

type lexiconSlot struct {
	hash    uint32
	concept uint8 // 0: empty
	prefix  bool
}

const (
	lexiconBits  = 13
	lexiconSlots = 1 << lexiconBits
)

var words = newLexicon()

func newLexicon() *lexicon {
	l := &lexicon{}
	for i := range concepts {
		for _, word := range strings.Fields(concepts[i].words) {
			stem, prefix := strings.CutSuffix(word, "*")
			l.put(stem, uint8(i), prefix)
		}
	}
	return l
}

// put enters a word for its first concept: a word of two means the first, since
// the earlier concepts are the more telling ones.
func (l *lexicon) put(word string, concept uint8, prefix bool) {
	h := uint32(hashSeed)
	for _, r := range word {
		if r < utf8.RuneSelf && 'A' <= r && r <= 'Z' {
			r |= 0x20
		}
		h = step(h, fold(r))
	}
	at := slotOf(h)
	if prefix {
		l.taken[at/64] |= 1 << (at % 64)
	}
	for l.slots[at].concept != 0 {
		if l.slots[at].hash == h {
			l.slots[at].prefix = l.slots[at].prefix || prefix
			return
		}
		at = (at + 1) % lexiconSlots
	}
	l.slots[at] = lexiconSlot{hash: h, concept: concept + 1, prefix: prefix}
}

func slotOf(h uint32) uint32 { return h * 0x9E3779B1 >> (32 - lexiconBits) }

// begins returns the concept of the words that begin so, and whether there is
// one.
func (l *lexicon) begins(h uint32) (concept uint8, ok bool) {
	if at := slotOf(h); l.taken[at/64]>>(at%64)&1 == 0 {
		return 0, false
	}
	return l.find(h, false)
}

// find returns the concept of a word, or of the words that begin with it, and
// whether there is one.
func (l *lexicon) find(h uint32, wholeWord bool) (concept uint8, ok bool) {
	for at := slotOf(h); l.slots[at].concept != 0; at = (at + 1) % lexiconSlots {
		if s := &l.slots[at]; s.hash == h {
			return s.concept - 1, wholeWord || s.prefix
		}
	}
	return 0, false
}
