package apply

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func configMap(version, value string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "config", UID: "object", ResourceVersion: version},
		Data:       map[string]string{"b": value, "a": "1", "c": "3"},
	}
}

func policy(uid types.UID) *corev1.Pod { // any object will do
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "support", UID: uid}}
}

func TestWhatWasFoundSettledIsNotComparedAgain(t *testing.T) {
	var a Applier
	owner := policy("owner")
	a.settled.put(owner, look(owner, configMap("7", "x"), configMap("", "2")))
	for _, test := range []struct {
		name string
		got  bool
		want bool
	}{
		{"both sides as they were", a.settled.has(owner, look(owner, configMap("7", "x"), configMap("", "2"))), true},
		{"the object changed", a.settled.has(owner, look(owner, configMap("8", "x"), configMap("", "2"))), false},
		{"what is wanted changed", a.settled.has(owner, look(owner, configMap("7", "x"), configMap("", "4"))), false},
		{"another owner of the same name", a.settled.has(policy("other"), look(policy("other"), configMap("7", "x"), configMap("", "2"))), false},
		{"there is no object", a.settled.has(owner, look(owner, nil, configMap("", "2"))), false},
	} {
		if test.got != test.want {
			t.Errorf("%s: settled is %t", test.name, test.got)
		}
	}
	a.Forget(types.NamespacedName{Namespace: "team", Name: "support"})
	if a.settled.has(owner, look(owner, configMap("7", "x"), configMap("", "2"))) || len(a.settled.byOwner) != 0 {
		t.Error("an owner that is gone is remembered")
	}
}

func TestWhatDoesNotExistIsNeverSettled(t *testing.T) {
	var a Applier
	owner := policy("owner")
	a.settled.put(owner, look(owner, nil, configMap("", "2")))
	if len(a.settled.byOwner) != 0 {
		t.Error("nothing was compared, and is remembered")
	}
}

func TestANameThatIsTakenIsNotTriedAgain(t *testing.T) {
	var a Applier
	owner := policy("owner")
	a.settled.take(owner, configMap("", ""), true)
	if !a.settled.isTaken(owner, configMap("", "")) {
		t.Error("it is tried again")
	}
	a.settled.take(owner, configMap("", ""), false)
	if a.settled.isTaken(owner, configMap("", "")) {
		t.Error("it is not tried although the name is free")
	}
	a.settled.take(owner, configMap("", ""), true)
	a.Forget(types.NamespacedName{Namespace: "team", Name: "support"})
	if len(a.settled.taken) != 0 {
		t.Error("an owner that is gone is remembered")
	}
}
