// lab-control is the network lab's tailnet: Tailscale's own test control server, a relay with STUN,
// and a bridge that keeps the stand-in of Tailscale's API equal to it. For the lab only: it knows
// neither access rules nor accounts.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"tailscale.com/derp/derpserver"
	"tailscale.com/net/stunserver"
	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
)

const (
	controlHost = "controlplane.tailscale.com"
	apiHost     = "api.tailscale.com"
	relayHost   = "relay.tailscale.com"
	// RFC 8489, section 18.5.
	stunPort = 3478
)

func main() {
	control := flag.String("control", "127.0.0.1", "address of "+controlHost)
	api := flag.String("api", "127.0.0.1", "address of "+apiHost)
	logs := flag.String("logs", "127.0.0.1", "address of log.tailscale.com")
	relay := flag.String("relay", "127.0.0.1", "address of "+relayHost)
	certificate := flag.String("cert", "", "PEM certificate for the three names")
	private := flag.String("key", "", "its PEM key")
	standIn := flag.String("stand-in", "", "URL of the stand-in of Tailscale's API")
	stateAt := flag.String("state", "", "file that keeps the tailnet's keys, nodes and addresses")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatalf("lab-control: unknown argument %q", flag.Arg(0))
	}

	pair, err := tls.LoadX509KeyPair(*certificate, *private)
	if err != nil {
		log.Fatalf("lab-control: %v", err)
	}
	target, err := url.Parse(*standIn)
	if err != nil || target.Host == "" {
		log.Fatalf("lab-control: -stand-in %q is no URL", *standIn)
	}
	server := &testcontrol.Server{
		DERPMap:          relayMap(*relay),
		ExplicitBaseURL:  "https://" + controlHost,
		AllNodesSameUser: true,
		// A node's own report of services would be one update a second for every peer.
		CollectServices: "false",
	}
	state, err := openState(*stateAt, server)
	if err != nil {
		log.Fatalf("lab-control: -state: %v", err)
	}
	bridge := newBridge(server, state, strings.TrimSuffix(*standIn, "/"))
	server.HoldMapRequest = bridge.onMapRequest
	handler := bridge.handler()

	go serveRelay(*relay, pair)
	go bridge.keepEqual()
	// As in the real service: the control connection is Noise, by plain HTTP where that is let
	// through and by TLS elsewhere; its key comes by TLS only.
	go serve(net.JoinHostPort(*control, "80"), handler, nil)
	go serve(net.JoinHostPort(*api, "443"), apiOnly(httputil.NewSingleHostReverseProxy(target)), &pair)
	go serve(net.JoinHostPort(*logs, "443"), http.HandlerFunc(discardLogs), &pair)
	serve(net.JoinHostPort(*control, "443"), handler, &pair)
}

func serve(address string, handler http.Handler, pair *tls.Certificate) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatalf("lab-control: %v", err)
	}
	server := &http.Server{
		Handler:  handler,
		ErrorLog: log.Default(),
		// The control protocol upgrades HTTP/1.1 connections.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	if pair != nil {
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{*pair}})
	}
	log.Fatalf("lab-control: %v", server.Serve(listener))
}

// apiOnly keeps the stand-in's own endpoints, which ask for no credential, from the lab's internet.
func apiOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/v2/") {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// discardLogs takes what clients upload and keeps nothing.
func discardLogs(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
}

func serveRelay(address string, pair tls.Certificate) {
	stun := stunserver.New(context.Background())
	if err := stun.Listen(fmt.Sprintf("%s:%d", address, stunPort)); err != nil {
		log.Fatalf("lab-control: %v", err)
	}
	go stun.Serve()
	relay := derpserver.New(key.NewNode(), logger.Discard)
	go serve(net.JoinHostPort(address, "80"), http.HandlerFunc(derpserver.ServeNoContent), nil)
	serve(net.JoinHostPort(address, "443"), derpserver.Handler(relay), &pair)
}

func relayMap(address string) *tailcfg.DERPMap {
	return &tailcfg.DERPMap{
		// Only ours: else clients add the relays they were built with.
		OmitDefaultRegions: true,
		Regions: map[int]*tailcfg.DERPRegion{1: {
			RegionID:   1,
			RegionCode: "lab",
			RegionName: "lab",
			Nodes: []*tailcfg.DERPNode{{
				Name:     "1a",
				RegionID: 1,
				HostName: relayHost,
				IPv4:     address,
				IPv6:     "none",
				STUNPort: stunPort,
			}},
		}},
	}
}
