package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Classification decides the tier of requests whose route pins none.
type Classification struct {
	// rules are the first step: they cost microseconds and are sure or silent.
	// Omitted: the Standard preset.
	//
	// +optional
	Rules *ClassificationRules `json:"rules,omitempty"`

	// model is the second step, a trained classifier. Omitted: the one that
	// ships with Tiershift.
	//
	// +optional
	Model *ClassifierModel `json:"model,omitempty"`

	// llm is the third step: a model that is asked for a verdict. Omitted: no
	// request is sent to classify another.
	//
	// +optional
	LLM *LLMClassifier `json:"llm,omitempty"`

	// targetQuality is the probability of a good answer, 0 to 1, that a tier must
	// be predicted to reach: the cheapest that does is chosen. Omitted: the
	// class decides (SIMPLE the lowest tier, COMPLEX the highest, MODERATE the
	// one in the middle).
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule=`self.matches('^(0([.][0-9]{1,6})?|1([.]0{1,6})?)$')`,message=`classification.targetQuality must be a decimal from 0 to 1, such as "0.9"`
	TargetQuality Decimal `json:"targetQuality,omitempty"`

	// lowConfidenceTier serves what no step was sure about. One of spec.tiers.
	// Omitted: spec.defaultTier.
	//
	// +optional
	LowConfidenceTier TierName `json:"lowConfidenceTier,omitempty"`

	// considerOutputLength lets the predicted length of the answer weigh in the
	// cost of a tier, and not only its price per token. Default: false.
	//
	// +optional
	ConsiderOutputLength bool `json:"considerOutputLength,omitempty"`
}

// RulesPreset is a set of rules that ships with Tiershift.
//
// +kubebuilder:validation:Enum=Standard;None
type RulesPreset string

const (
	// RulesPresetStandard is the set that ships with Tiershift.
	RulesPresetStandard RulesPreset = "Standard"
	// RulesPresetNone is no rule but the custom ones.
	RulesPresetNone RulesPreset = "None"
)

// ClassificationRules are the first step of classification.
type ClassificationRules struct {
	// preset is Standard (the rules that ship with Tiershift) or None.
	// Default: Standard.
	//
	// +optional
	// +kubebuilder:default=Standard
	Preset RulesPreset `json:"preset,omitempty"`

	// custom rules are tried before the preset, in this order; the first that
	// holds is the verdict. Omitted: none.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Custom []ClassificationRule `json:"custom,omitempty"`
}

// Class is a verdict on how demanding a request is.
//
// +kubebuilder:validation:Enum=SIMPLE;MODERATE;COMPLEX
type Class string

// The classes, from least to most demanding.
const (
	ClassSimple   Class = "SIMPLE"
	ClassModerate Class = "MODERATE"
	ClassComplex  Class = "COMPLEX"
)

// ClassificationRule is one custom rule: when match holds, class is the verdict.
type ClassificationRule struct {
	// name appears in explanations and in the x-tiershift-reason header.
	//
	// +required
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule=`self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')`,message=`classification.rules.custom[*].name must be a DNS label`
	Name string `json:"name"`

	// class is the verdict: SIMPLE, MODERATE or COMPLEX.
	//
	// +required
	Class Class `json:"class"`

	// confidence in the verdict, 0 to 1. Omitted: "0.8".
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule=`self.matches('^(0([.][0-9]{1,6})?|1([.]0{1,6})?)$')`,message=`classification.rules.custom[*].confidence must be a decimal from 0 to 1, such as "0.8"`
	Confidence Decimal `json:"confidence,omitempty"`

	// match says when the rule holds: when every condition given holds.
	//
	// +required
	Match RuleMatch `json:"match"`
}

// RuleMatch is when a custom rule holds: when every condition given holds. At
// least one is given.
//
// +kubebuilder:validation:XValidation:rule=`has(self.minTokens) || has(self.maxTokens) || has(self.keywords) || has(self.pattern) || has(self.hasCode) || has(self.expression)`,message=`classification.rules.custom[*].match must set at least one condition`
type RuleMatch struct {
	PromptMatch `json:",inline"`

	// expression is a CEL expression over request and prompt that must be true.
	// One that fails at run time does not hold. Omitted: true.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Expression string `json:"expression,omitempty"`
}

// ClassifierModel is a trained classifier.
type ClassifierModel struct {
	// configMapRef names the classifier's file, as `tiershift train` writes it.
	// Omitted: the classifier that ships with Tiershift.
	//
	// +optional
	ConfigMapRef *ConfigMapKeyReference `json:"configMapRef,omitempty"`

	// minConfidence is the confidence, 0 to 1, below which the classifier's
	// verdict is not taken and the next step is asked. Default: "0.6".
	//
	// +optional
	// +kubebuilder:default="0.6"
	// +kubebuilder:validation:XValidation:rule=`self.matches('^(0([.][0-9]{1,6})?|1([.]0{1,6})?)$')`,message=`classification.model.minConfidence must be a decimal from 0 to 1, such as "0.75"`
	MinConfidence Decimal `json:"minConfidence,omitempty"`
}

// LLMClassifier asks a model how demanding a request is.
type LLMClassifier struct {
	// tier is asked; the lowest is usually right. One of spec.tiers.
	//
	// +required
	Tier TierName `json:"tier"`

	// timeout is how long the request may wait for the verdict before it goes to
	// lowConfidenceTier. Default: 800ms.
	//
	// +optional
	// +kubebuilder:default="800ms"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule=`self.matches('^([0-9]{1,6}([.][0-9]{1,6})?(ms|s|m|h))+$') && duration(self) > duration('0s')`,message=`classification.llm.timeout must be a positive duration such as "800ms"`
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// cacheTTL is how long a verdict serves equal prompts; "0s" caches nothing.
	// Default: 10m.
	//
	// +optional
	// +kubebuilder:default="10m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule=`self.matches('^([0-9]{1,6}([.][0-9]{1,6})?(ms|s|m|h))+$')`,message=`classification.llm.cacheTTL must be a duration such as "10m"`
	CacheTTL *metav1.Duration `json:"cacheTTL,omitempty"`
}
