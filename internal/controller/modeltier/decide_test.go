package modeltier

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/pricing"
)

var now = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)

func credential(name string, provider v1alpha1.Provider, ready metav1.ConditionStatus) v1alpha1.ProviderCredential {
	c := v1alpha1.ProviderCredential{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	c.Spec.Provider = provider
	c.Spec.SecretRef = &v1alpha1.SecretKeyReference{Name: name, Key: "key"}
	c.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: ready}}
	return c
}

func tier(models ...v1alpha1.TierModel) *v1alpha1.ModelTier {
	t := &v1alpha1.ModelTier{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "nano", Generation: 2}}
	t.Spec.Rank = 10
	t.Spec.Models = models
	return t
}

func model(name, credential string) v1alpha1.TierModel {
	return v1alpha1.TierModel{Name: name, CredentialRef: v1alpha1.CredentialReference{Name: credential}}
}

func TestDecide(t *testing.T) {
	ready := credential("openai", v1alpha1.ProviderOpenAI, metav1.ConditionTrue)
	broken := credential("deepseek", v1alpha1.ProviderDeepSeek, metav1.ConditionFalse)
	known, unknown := model("gpt-5-nano", "openai"), model("gpt-of-mine", "openai")
	priced := model("deepseek-chat", "deepseek")
	priced.Pricing = &v1alpha1.ModelPricing{InputPerMillion: "0.28", OutputPerMillion: "0.42"}
	for _, test := range []struct {
		name        string
		models      []v1alpha1.TierModel
		credentials []v1alpha1.ProviderCredential
		// want are CredentialsReady, PricingResolved and Ready.
		want string
		says string
	}{
		{"all is well", []v1alpha1.TierModel{known}, []v1alpha1.ProviderCredential{ready}, "True Ready, True Resolved, True Ready", ""},
		{
			"one of two models is left",
			[]v1alpha1.TierModel{known, priced},
			[]v1alpha1.ProviderCredential{ready, broken},
			"False CredentialNotReady, True Resolved, True Degraded", "1 of 2 models cannot be routed to: deepseek-chat",
		},
		{
			"the credential is missing",
			[]v1alpha1.TierModel{known},
			nil,
			"False CredentialNotFound, Unknown Pending, False NoUsableModel", "",
		},
		{
			"the credential is not ready",
			[]v1alpha1.TierModel{priced},
			[]v1alpha1.ProviderCredential{broken},
			"False CredentialNotReady, True Resolved, False NoUsableModel", "",
		},
		{
			"the price is unknown",
			[]v1alpha1.TierModel{unknown},
			[]v1alpha1.ProviderCredential{ready},
			"True Ready, False PriceUnknown, False NoUsableModel", "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			subject := tier(test.models...)
			status, _ := decide(subject, test.credentials, price(subject, test.credentials, pricing.Catalogue(), now), now)
			var got []string
			message := ""
			for _, kind := range []string{v1alpha1.ConditionCredentialsReady, v1alpha1.ConditionPricingResolved, v1alpha1.ConditionReady} {
				for _, c := range status.Conditions {
					if c.Type == kind {
						got = append(got, string(c.Status)+" "+c.Reason)
						message = c.Message
					}
				}
			}
			if strings.Join(got, ", ") != test.want || !strings.Contains(message, test.says) {
				t.Errorf("got %v: %s", got, message)
			}
			if status.ObservedGeneration != 2 || len(status.Models) != len(test.models) {
				t.Errorf("got %+v", status)
			}
		})
	}
}

func TestStatusShowsThePriceAndWhereItCameFrom(t *testing.T) {
	own := model("mine", "openai")
	own.Pricing = &v1alpha1.ModelPricing{InputPerMillion: "1.5", OutputPerMillion: "3"}
	subject := tier(model("gpt-5-nano", "openai"), own)
	credentials := []v1alpha1.ProviderCredential{credential("openai", v1alpha1.ProviderOpenAI, metav1.ConditionTrue)}
	status, _ := decide(subject, credentials, price(subject, credentials, pricing.Catalogue(), now), now)
	listed, stated := status.Models[0], status.Models[1]
	if listed.PriceSource != v1alpha1.PriceSourceCatalogue || listed.Price == nil || len(listed.CatalogueDate) != len(time.DateOnly) {
		t.Errorf("from the catalogue: %+v", listed)
	}
	if stated.PriceSource != v1alpha1.PriceSourceSpec || stated.Price.InputPerMillion != "1.5" || stated.CatalogueDate != "" {
		t.Errorf("from the spec: %+v", stated)
	}
	if status.ModelNames != "gpt-5-nano,mine" {
		t.Errorf("got %s", status.ModelNames)
	}
}
