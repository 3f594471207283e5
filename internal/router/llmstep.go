package router

import "github.com/tiershift/tiershift/internal/routerconfig"

func (x *exchange) llmStep() func() (routerconfig.Class, bool) { return nil }
