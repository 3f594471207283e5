package chart

import (
	"cmp"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// clusterWide is the scope of what a ClusterRoleBinding grants.
const clusterWide = "*"

// grants are verbs of resources, each "verb group/resource", by the namespace in
// which they are granted.
type grants map[string][]string

// granted is what the roles in the list grant to the ServiceAccount.
func granted(t *testing.T, list []*unstructured.Unstructured, account string) grants {
	t.Helper()
	roles := map[string][]rbacv1.PolicyRule{}
	for _, r := range each[rbacv1.ClusterRole](t, list, "ClusterRole") {
		roles["ClusterRole "+clusterWide+"/"+r.Name] = r.Rules
	}
	for _, r := range each[rbacv1.Role](t, list, "Role") {
		roles["Role "+r.Namespace+"/"+r.Name] = r.Rules
	}
	g := grants{}
	add := func(scope string, ref rbacv1.RoleRef, subjects []rbacv1.Subject) {
		if !slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool { return s.Kind == "ServiceAccount" && s.Name == account }) {
			return
		}
		rules, ok := roles[ref.Kind+" "+scope+"/"+ref.Name]
		if !ok {
			t.Errorf("nothing defines the %s %s that a binding in %s names", ref.Kind, ref.Name, scope)
		}
		g[scope] = append(g[scope], verbsOf(rules)...)
	}
	for _, b := range each[rbacv1.ClusterRoleBinding](t, list, "ClusterRoleBinding") {
		add(clusterWide, b.RoleRef, b.Subjects)
	}
	for _, b := range each[rbacv1.RoleBinding](t, list, "RoleBinding") {
		add(b.Namespace, b.RoleRef, b.Subjects)
	}
	for scope := range g {
		slices.Sort(g[scope])
		g[scope] = slices.Compact(g[scope])
	}
	return g
}

// verbsOf spells the rules out.
func verbsOf(rules []rbacv1.PolicyRule) []string {
	var verbs []string
	for i := range rules {
		for _, group := range rules[i].APIGroups {
			for _, resource := range rules[i].Resources {
				for _, verb := range rules[i].Verbs {
					verbs = append(verbs, right(verb, group, resource))
				}
			}
		}
	}
	return verbs
}

func right(verb, group, resource string) string {
	return verb + " " + cmp.Or(group, "core") + "/" + resource
}

func TestNoRuleHasAWildcard(t *testing.T) {
	for name, file := range goldenFiles(t) {
		for _, object := range manifests(t, file) {
			rules, _, _ := unstructured.NestedSlice(object.Object, "rules")
			if strings.Contains(canonical(t, rules), `"*"`) {
				t.Errorf("%s: %s has a wildcard", name, key(object))
			}
		}
	}
}

// role.yaml is generated from the controllers' markers. What the chart grants is
// that, in the places that the values name, and nothing else.
func TestTheChartGrantsWhatTheControllersAskFor(t *testing.T) {
	files := goldenFiles(t)
	role := manifests(t, roleFile)
	lease := verbsOf(one[rbacv1.Role](t, role, "Role").Rules)
	var onObjects, onCluster []string
	for _, verb := range verbsOf(one[rbacv1.ClusterRole](t, role, "ClusterRole").Rules) {
		if strings.Contains(verb, "reviews") {
			onCluster = append(onCluster, verb)
		} else {
			onObjects = append(onObjects, verb)
		}
	}
	if len(onCluster) != 2 {
		t.Fatalf("%q are asked of the cluster itself", onCluster)
	}
	for name, want := range map[string]grants{
		"defaults":             {clusterWide: slices.Concat(onObjects, onCluster), "tiershift-system": lease},
		"namespaces":           {clusterWide: onCluster, "team-a": onObjects, "tiershift-system": slices.Concat(onObjects, lease)},
		"nothing-cluster-wide": {"team-a": onObjects, "tiershift-system": lease},
		"single":               {clusterWide: onObjects},
	} {
		t.Run(name, func(t *testing.T) {
			for scope := range want {
				slices.Sort(want[scope])
				want[scope] = slices.Compact(want[scope])
			}
			if got := granted(t, manifests(t, files[name]), "tiershift-operator"); !maps.EqualFunc(got, want, slices.Equal) {
				t.Errorf("got %s\nwant %s", canonical(t, got), canonical(t, want))
			}
		})
	}
}

// The tables of docs/rbac.md have a row for every resource of every rule.
func TestThePageAboutRightsJustifiesEachOfThem(t *testing.T) {
	page, err := os.ReadFile("../../docs/rbac.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := documentedRights(string(page))
	role := manifests(t, roleFile)
	for heading, rules := range map[string][]rbacv1.PolicyRule{
		"In the namespaces that are operated": one[rbacv1.ClusterRole](t, role, "ClusterRole").Rules,
		"In the operator's own namespace":     one[rbacv1.Role](t, role, "Role").Rules,
	} {
		want := verbsOf(rules)
		got := documented[heading]
		if heading == "In the namespaces that are operated" {
			got = append(got, documented["Of the cluster itself"]...)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%q\ndocs/rbac.md has %q\nrole.yaml has    %q", heading, got, want)
		}
	}
}

// documentedRights reads the tables, whose rows are | `group/resource` | verbs |
// why |, by the heading above them. A row that gives no reason does not count.
func documentedRights(page string) map[string][]string {
	rights := map[string][]string{}
	heading := ""
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if title, ok := strings.CutPrefix(line, "## "); ok {
			heading = title
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 3 || !strings.HasPrefix(line, "| `") || len(strings.TrimSpace(cells[2])) < 20 {
			continue
		}
		group, resource, _ := strings.Cut(strings.Trim(strings.TrimSpace(cells[0]), "`"), "/")
		for verb := range strings.SplitSeq(cells[1], ",") {
			rights[heading] = append(rights[heading], right(strings.TrimSpace(verb), group, resource))
		}
	}
	return rights
}
