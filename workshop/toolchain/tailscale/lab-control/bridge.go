package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"time"
	"unsafe"

	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/key"
)

const (
	lookEvery = 200 * time.Millisecond
	// Marks in the stand-in the devices that come from here.
	source = "network-lab"
)

// device is what the bridge reads of the stand-in's devices.
type device struct {
	NodeID        string            `json:"nodeId"`
	Authorized    bool              `json:"authorized"`
	Tags          []string          `json:"tags"`
	EnabledRoutes []netip.Prefix    `json:"enabledRoutes"`
	Note          map[string]string `json:"note"`
}

// bridge lets the stand-in decide who may join and which routes are approved, as Tailscale's own
// service would, and tells it what the control server sees: addresses, and who is online.
type bridge struct {
	server  *testcontrol.Server
	state   *stateFile
	standIn string

	// Held while a node is read, changed and put back: testcontrol has no other way to change one,
	// and what the node itself reports in between would be lost.
	nodes sync.RWMutex

	reports sync.Mutex

	mu      sync.Mutex
	devices map[key.NodePublic]device
	streams map[key.NodePublic]int
}

func newBridge(server *testcontrol.Server, state *stateFile, standIn string) *bridge {
	return &bridge{
		server:  server,
		state:   state,
		standIn: standIn,
		devices: map[key.NodePublic]device{},
		streams: map[key.NodePublic]int{},
	}
}

// handler is the control server with a registration that asks the stand-in first.
//
// testcontrol takes every auth key, and its mux, which alone sees requests inside the Noise
// connection, is private: the more specific path is added to it by reflection.
func (b *bridge) handler() http.Handler {
	probe, _ := http.NewRequest("HEAD", "/generate_204", nil)
	b.server.ServeHTTP(httptest.NewRecorder(), probe) // makes the mux
	field := reflect.ValueOf(b.server).Elem().FieldByName("mux")
	mux := *(**http.ServeMux)(unsafe.Pointer(field.UnsafeAddr()))
	machine, _ := http.NewRequest("POST", "/machine/register", nil)
	next, _ := mux.Handler(machine)
	mux.HandleFunc("/machine/register", func(w http.ResponseWriter, r *http.Request) {
		b.register(w, r, next)
	})
	return b.server
}

func (b *bridge) register(w http.ResponseWriter, r *http.Request, next http.Handler) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var request tailcfg.RegisterRequest
	if err == nil {
		err = json.Unmarshal(body, &request)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !request.Expiry.IsZero() && request.Expiry.Before(time.Now()) {
		// A logout: testcontrol has none.
		json.NewEncoder(w).Encode(tailcfg.RegisterResponse{NodeKeyExpired: true})
		return
	}
	login := loginOf(&request)
	if refusal := b.logIn(login); refusal != "" {
		json.NewEncoder(w).Encode(tailcfg.RegisterResponse{Error: refusal})
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	held := httptest.NewRecorder()
	next.ServeHTTP(held, r)
	// On disk before it is answered: a client whose node is not there again gets another address.
	if err := b.state.save(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	maps.Copy(w.Header(), held.Header())
	w.WriteHeader(held.Code)
	w.Write(held.Body.Bytes())
	if node := b.server.Node(request.NodeKey); node != nil {
		login["addresses"] = addresses(node)
		b.logIn(login)
		b.look()
		// What nodes report of themselves: the next start begins with it.
		if err := b.state.save(); err != nil {
			log.Printf("lab-control: %v", err)
		}
	}
}

// loginOf is the body of the stand-in's POST /lab/devices.
func loginOf(request *tailcfg.RegisterRequest) map[string]any {
	login := map[string]any{
		"identity": request.NodeKey.String(),
		"note":     map[string]string{"source": source, "key": request.NodeKey.String()},
	}
	if request.Auth != nil {
		login["authKey"] = request.Auth.AuthKey
	}
	if request.Hostinfo != nil {
		routes := []string{}
		for _, route := range request.Hostinfo.RoutableIPs {
			routes = append(routes, route.String())
		}
		login["hostname"] = request.Hostinfo.Hostname
		login["tags"] = append([]string{}, request.Hostinfo.RequestTags...)
		login["routes"] = routes
	}
	return login
}

// logIn gives the stand-in's refusal, or "".
func (b *bridge) logIn(login map[string]any) string {
	var answer struct {
		Message string `json:"message"`
	}
	status, err := b.send("POST", "/lab/devices", login, &answer)
	switch {
	case err != nil:
		return fmt.Sprintf("the API stand-in does not answer: %v", err)
	case status >= 400:
		return answer.Message
	}
	return ""
}

func addresses(node *tailcfg.Node) []string {
	found := []string{}
	for _, prefix := range node.Addresses {
		found = append(found, prefix.Addr().String())
	}
	return found
}

// onMapRequest counts a node's streams: it is online while it has one.
func (b *bridge) onMapRequest(request *tailcfg.MapRequest) func() {
	if !request.Stream {
		b.nodes.RLock()
		return b.nodes.RUnlock
	}
	b.count(request.NodeKey, 1)
	return func() { b.count(request.NodeKey, -1) }
}

func (b *bridge) count(node key.NodePublic, change int) {
	b.mu.Lock()
	before := b.streams[node] > 0
	b.streams[node] += change
	online := b.streams[node] > 0
	b.mu.Unlock()
	if before == online {
		return
	}
	b.report(node)
	b.settle(node)
}

// report tells the stand-in whether a node is online, where the stand-in knows it.
func (b *bridge) report(node key.NodePublic) {
	// One at a time, so that the last one is true.
	b.reports.Lock()
	defer b.reports.Unlock()
	b.mu.Lock()
	online, known := b.streams[node] > 0, b.devices[node].NodeID
	b.mu.Unlock()
	if known == "" {
		return
	}
	path := "/lab/devices/" + known + "/online"
	if _, err := b.send("POST", path, map[string]any{"online": online}, nil); err != nil {
		log.Printf("lab-control: %v", err)
	}
}

// keepEqual takes over, for good, what is changed at the stand-in.
func (b *bridge) keepEqual() {
	for ; ; time.Sleep(lookEvery) {
		b.look()
	}
}

func (b *bridge) look() {
	var listing struct {
		Devices []device `json:"devices"`
	}
	if _, err := b.send("GET", "/lab/devices", nil, &listing); err != nil {
		log.Printf("lab-control: %v", err)
		return
	}
	found := map[string]device{}
	for _, each := range listing.Devices {
		if each.Note["source"] == source {
			found[each.Note["key"]] = each
		}
	}
	for _, node := range b.server.AllNodes() {
		// One that was removed is left in the map, without tags, routes or authorization.
		current := found[node.Key.String()]
		b.mu.Lock()
		before := b.devices[node.Key]
		changed := !reflect.DeepEqual(before, current)
		b.devices[node.Key] = current
		b.mu.Unlock()
		if changed {
			if before.NodeID != current.NodeID {
				// The stand-in may have seen it online before this start.
				b.report(node.Key)
			}
			b.server.SetSubnetRoutes(node.Key, current.EnabledRoutes)
			b.settle(node.Key)
		}
	}
}

// settle gives the control server's node what its device and its streams say.
func (b *bridge) settle(id key.NodePublic) {
	b.nodes.Lock()
	defer b.nodes.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	node := b.server.Node(id)
	if node == nil {
		return
	}
	wanted, online := b.devices[id], b.streams[id] > 0
	same := node.Online != nil && *node.Online == online &&
		node.MachineAuthorized == wanted.Authorized && slices.Equal(node.Tags, wanted.Tags)
	if same {
		return
	}
	node.Online, node.MachineAuthorized, node.Tags = &online, wanted.Authorized, wanted.Tags
	b.server.UpdateNode(node)
}

func (b *bridge) send(method, path string, body, answer any) (int, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequest(method, b.standIn+path, bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if answer != nil {
		err = json.NewDecoder(response.Body).Decode(answer)
	}
	return response.StatusCode, err
}
