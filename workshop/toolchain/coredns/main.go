// CoreDNS with the plugins that the network lab's cluster DNS and resolver use, and no others.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/loop"
	_ "github.com/coredns/coredns/plugin/template"
)

func init() {
	// The order in which plugins see a query, as in CoreDNS' own plugin.cfg.
	dnsserver.Directives = []string{"bind", "errors", "cache", "hosts", "template", "loop", "forward"}
}

func main() { coremain.Run() }
