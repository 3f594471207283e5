package compile

import (
	"cmp"
	"fmt"
	"math"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/classify/model"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// Classifier is what the compiler has to know of the file of a trained classifier.
type Classifier struct {
	// Fault says why it cannot be used; empty: it can.
	Fault string
	// Tiers are those that it predicts for, from the cheapest to the strongest;
	// none: it knows classes only.
	Tiers []string
}

// ConfigMapValue is what a ConfigMap has under a key, in data or in binaryData.
func ConfigMapValue(configMap *corev1.ConfigMap, key string) (value []byte, ok bool) {
	if text, isText := configMap.Data[key]; isText {
		return []byte(text), true
	}
	value, ok = configMap.BinaryData[key]
	return value, ok
}

// ReadClassifier loads the classifier that a ConfigMap has under a key, as a router
// will. The result has the key if the ConfigMap does.
func ReadClassifier(configMap *corev1.ConfigMap, key string) map[string]Classifier {
	file, ok := ConfigMapValue(configMap, key)
	if !ok {
		return map[string]Classifier{}
	}
	m, err := model.Load(file)
	if err != nil {
		return map[string]Classifier{key: {Fault: err.Error()}}
	}
	return map[string]Classifier{key: {Tiers: m.Tiers()}}
}

// compileClassification fills in what the API promises where nothing is written:
// the Standard rules and the embedded classifier.
func (c *compiler) compileClassification() {
	out := &c.config.Classification
	out.Preset = routerconfig.PresetStandard
	spec := c.policy.Spec.Classification
	if spec == nil {
		spec = &v1alpha1.Classification{}
	}
	if rules := spec.Rules; rules != nil {
		out.Preset = routerconfig.RulesPreset(cmp.Or(rules.Preset, v1alpha1.RulesPresetStandard))
		for i := range rules.Custom {
			out.Custom = append(out.Custom, c.rule(fmt.Sprintf("spec.classification.rules.custom[%d]", i), &rules.Custom[i]))
		}
	}
	out.TargetQuality = decimal(spec.TargetQuality)
	out.ConsiderOutputLength = spec.ConsiderOutputLength
	c.compileClassifier(spec)
	if len(c.config.Tiers) == 0 {
		return
	}
	if spec.LLM != nil {
		out.LLM = c.llm(spec.LLM)
	}
	if spec.LowConfidenceTier != "" {
		out.LowConfidenceTier = c.standIn("spec.classification.lowConfidenceTier", string(spec.LowConfidenceTier))
	}
}

// llm is the step that asks a model. No other tier stands in for the one it names:
// what a verdict may cost is the policy's choice.
func (c *compiler) llm(l *v1alpha1.LLMClassifier) *routerconfig.LLMClassifier {
	if c.config.TierIndex(string(l.Tier)) < 0 {
		u := c.unusable(string(l.Tier))
		c.policyProblem(SeverityDegraded, "spec.classification.llm.tier", u.reason, "%s, so no model is asked to classify requests%s", u.why, u.remedy)
		return nil
	}
	out := &routerconfig.LLMClassifier{
		Tier: string(l.Tier), Timeout: duration(l.Timeout, v1alpha1.DefaultLLMTimeout), CacheTTL: routerconfig.Duration(v1alpha1.DefaultLLMCacheTTL),
	}
	if l.CacheTTL != nil { // none at all may be meant
		out.CacheTTL = routerconfig.Duration(l.CacheTTL.Duration)
	}
	return out
}

func (c *compiler) rule(at string, r *v1alpha1.ClassificationRule) routerconfig.Rule {
	c.checkExpression(at+".match.expression", r.Match.Expression)
	return routerconfig.Rule{
		Name: r.Name, Class: routerconfig.Class(r.Class), Confidence: decimal(cmp.Or(r.Confidence, v1alpha1.DefaultRuleConfidence)),
		Match: promptMatch(&r.Match.PromptMatch), Expression: r.Match.Expression,
	}
}

// decimal is what the text stands for, 0 if there is none; of one that is no number
// NaN, which no config may hold.
func decimal(text v1alpha1.Decimal) float64 {
	if text == "" {
		return 0
	}
	value, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return math.NaN()
	}
	return value
}

// compileClassifier names the classifier's file. The router takes the embedded one as
// long as that file cannot be used, which is a problem here.
func (c *compiler) compileClassifier(spec *v1alpha1.Classification) {
	out := &routerconfig.ClassifierModel{MinConfidence: decimal(v1alpha1.DefaultMinConfidence)}
	c.config.Classification.Model = out
	if spec.Model == nil {
		return
	}
	out.MinConfidence = decimal(cmp.Or(spec.Model.MinConfidence, v1alpha1.DefaultMinConfidence))
	ref := spec.Model.ConfigMapRef
	if ref == nil {
		return
	}
	const field = "spec.classification.model.configMapRef"
	if len(validation.IsDNS1123Subdomain(ref.Name)) > 0 {
		c.classifierProblem(field+".name", v1alpha1.ReasonConfigMapInvalid, "no ConfigMap can have the name %q", ref.Name)
		return
	}
	out.File = ref.Name + "/" + ref.Key
	c.checkClassifier(field, ref, spec.TargetQuality != "" || spec.ConsiderOutputLength)
}

func (c *compiler) checkClassifier(field string, ref *v1alpha1.ConfigMapKeyReference, needsTiers bool) {
	keys, exists := c.in.Classifiers[ref.Name]
	if !exists {
		c.classifierProblem(field+".name", v1alpha1.ReasonConfigMapNotFound, "ConfigMap %q does not exist in namespace %s: create it from the file that tiershift train wrote", ref.Name, c.policy.Namespace)
		return
	}
	classifier, exists := keys[ref.Key]
	if !exists {
		c.classifierProblem(field+".key", v1alpha1.ReasonConfigMapKeyNotFound,
			"ConfigMap %q has no key %q: put the file that tiershift train wrote there", ref.Name, ref.Key)
		return
	}
	if classifier.Fault != "" {
		c.classifierProblem(field, v1alpha1.ReasonConfigMapInvalid, "%s of ConfigMap %s cannot be used: %s", ref.Key, ref.Name, classifier.Fault)
		return
	}
	var tiers []string
	for i := range c.config.Tiers {
		tiers = append(tiers, c.config.Tiers[i].Name)
	}
	if _, err := model.FitTiers(classifier.Tiers, tiers); err != nil {
		c.classifierProblem(field, v1alpha1.ReasonConfigMapInvalid, "%s of ConfigMap %s does not fit this policy: %v", ref.Key, ref.Name, err)
		return
	}
	if needsTiers && len(classifier.Tiers) == 0 {
		c.policyProblem(SeverityWarning, field, v1alpha1.ReasonNotSupported,
			"the classifier was trained on labels and predicts no quality, so that targetQuality and considerOutputLength have no effect: train it on outcomes")
	}
}

func (c *compiler) classifierProblem(field, reason, format string, args ...any) {
	c.policyProblem(SeverityDegraded, field, reason, "%s; until then the classifier that ships with Tiershift is asked", fmt.Sprintf(format, args...))
}
