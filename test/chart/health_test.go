package chart

import (
	"context"
	"os"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
	"sigs.k8s.io/yaml"
)

const healthScript = "../../config/argocd/health/health.lua"

// verdict is what Argo CD shows of a resource.
type verdict struct{ Status, Message string }

// TestHealth runs the script on each case of testdata/health.yaml as Argo CD does.
func TestHealth(t *testing.T) {
	script, err := os.ReadFile(healthScript)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("testdata/health.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name     string         `json:"name"`
		Resource map[string]any `json:"resource"`
		Want     verdict        `json:"want"`
	}
	if err := yaml.UnmarshalStrict(data, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if got := health(t, string(script), c.Resource); got != c.Want {
				t.Errorf("got  %+v\nwant %+v", got, c.Want)
			}
		})
	}
}

func TestHealthScriptsNeedNoMoreThanTheSandbox(t *testing.T) {
	for name, script := range map[string]string{
		"strings":         `return {status = string.upper("healthy")}`,
		"files":           `return {status = io.open("/etc/hostname"):read()}`,
		"the environment": `return {status = os.getenv("HOME")}`,
	} {
		t.Run(name, func(t *testing.T) {
			state := sandbox(t, map[string]any{})
			if err := state.DoString(script); err == nil {
				t.Error("the sandbox of this test gives more than that of Argo CD")
			}
		})
	}
}

// sandbox opens the libraries that Argo CD opens for a custom health check: base,
// package and table, and of os just time and date, for one second.
//
// Source: runLua in https://github.com/argoproj/argo-cd/blob/master/util/lua/lua.go
func sandbox(t *testing.T, object map[string]any) *lua.LState {
	t.Helper()
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	t.Cleanup(state.Close)
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable,
	} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	t.Cleanup(cancel)
	state.SetContext(ctx)
	state.SetGlobal("obj", toLua(state, object))
	return state
}

func health(t *testing.T, script string, object map[string]any) verdict {
	t.Helper()
	state := sandbox(t, object)
	if err := state.DoString(script); err != nil {
		t.Fatal(err)
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		t.Fatalf("the script returns %s, no table", state.Get(-1).Type())
	}
	return verdict{lua.LVAsString(table.RawGetString("status")), lua.LVAsString(table.RawGetString("message"))}
}

// toLua hands numbers over as Argo CD does, which reads them as integers.
func toLua(state *lua.LState, value any) lua.LValue {
	switch v := value.(type) {
	case bool:
		return lua.LBool(v)
	case string:
		return lua.LString(v)
	case float64:
		return lua.LNumber(v)
	case []any:
		list := state.NewTable()
		for _, item := range v {
			list.Append(toLua(state, item))
		}
		return list
	case map[string]any:
		table := state.NewTable()
		for key, item := range v {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	}
	return lua.LNil
}
