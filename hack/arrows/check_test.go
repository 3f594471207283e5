package main

import (
	"slices"
	"testing"
)

func TestCheck(t *testing.T) {
	groups := []group{
		{members: []string{"router/..."}, banned: []string{"k8s.io/"}, why: "the router stays small"},
		{members: []string{"operator"}},
	}
	tests := []struct {
		name    string
		imports graph
		want    []string
	}{
		{
			name:    "what a group does not ban is allowed",
			imports: graph{"m/router": {"fmt"}, "m/operator": {"k8s.io/client-go"}, "k8s.io/client-go": nil, "fmt": nil},
		},
		{
			name: "a banned package is found behind others, by the shortest way",
			imports: graph{
				"m/router/reload": {"m/router/a", "m/router/b"}, "m/router/a": {"m/router/c"}, "m/router/b": {"x"},
				"m/router/c": {"m/router/d"}, "m/router/d": {"fmt"}, "x": {"k8s.io/api"}, "k8s.io/api": nil,
			},
			want: []string{
				"m/router/b\n    -> x\n    -> k8s.io/api: the router stays small",
				"m/router/reload\n    -> m/router/b\n    -> x\n    -> k8s.io/api: the router stays small",
			},
		},
		{
			name:    "a cycle ends",
			imports: graph{"m/router": {"x"}, "x": {"y"}, "y": {"x"}},
		},
		{
			name:    "a prefix is of whole path elements",
			imports: graph{"m/router": {"k8s.iota/api"}, "k8s.iota/api": nil},
		},
		{
			name:    "a package that no group holds is named",
			imports: graph{"m/router": nil, "m/routers": nil},
			want:    []string{"routers is in 0 groups of hack/arrows/groups.go: it belongs in one"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := check(test.imports, "m", groups); !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestCheckRefusesAPackageInTwoGroups(t *testing.T) {
	groups := []group{{members: []string{"router"}}, {members: []string{"router/..."}}}
	want := []string{"router is in 2 groups of hack/arrows/groups.go: it belongs in one"}
	if got := check(graph{"m/router": nil}, "m", groups); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
