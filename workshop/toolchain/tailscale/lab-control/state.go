package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"unsafe"

	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/key"
)

// kept is what outlives lab-control: the keys by which clients know it, and the tailnet's nodes.
// Who is authorized and which routes are approved is in the stand-in's own file.
type kept struct {
	Noise  key.MachinePrivate
	Legacy key.ControlPrivate
	Nodes  []*tailcfg.Node
}

// stateFile is the file that testcontrol, which keeps everything in memory, does not have.
type stateFile struct {
	path   string
	server *testcontrol.Server

	mu      sync.Mutex
	keys    kept
	written []byte
}

// openState gives the server what the file says, or new keys where there is none yet.
func openState(path string, server *testcontrol.Server) (*stateFile, error) {
	state := &stateFile{path: path, server: server}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		state.keys = kept{Noise: key.NewMachine(), Legacy: key.NewControl()}
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(text, &state.keys); err != nil {
			return nil, fmt.Errorf("%s does not hold a tailnet's state: %w", path, err)
		}
	}
	state.restore()
	return state, state.save()
}

// restore fills the server's private fields, before it serves: it has no other way in.
func (s *stateFile) restore() {
	nodes := map[key.NodePublic]*tailcfg.Node{}
	users := map[key.NodePublic]*tailcfg.User{}
	logins := map[key.NodePublic]*tailcfg.Login{}
	for _, node := range s.keys.Nodes {
		nodes[node.Key] = node
		users[node.Key] = &tailcfg.User{ID: node.User}
		logins[node.Key] = &tailcfg.Login{ID: tailcfg.LoginID(node.User)}
	}
	set(s.server, "noisePrivKey", s.keys.Noise)
	set(s.server, "noisePubKey", s.keys.Noise.Public())
	set(s.server, "privKey", s.keys.Legacy)
	set(s.server, "pubKey", s.keys.Legacy.Public())
	set(s.server, "nodes", nodes)
	set(s.server, "users", users)
	set(s.server, "logins", logins)
}

// save writes what has changed, whole or not at all, and for its owner only.
func (s *stateFile) save() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	nodes := s.server.AllNodes()
	for _, node := range nodes {
		// Nobody is online at the next start.
		node.Online, node.LastSeen = nil, nil
	}
	text, err := json.Marshal(kept{Noise: s.keys.Noise, Legacy: s.keys.Legacy, Nodes: nodes})
	if err != nil || bytes.Equal(text, s.written) {
		return err
	}
	// A file of this kind is its owner's alone.
	partial, err := os.CreateTemp(filepath.Dir(s.path), "."+filepath.Base(s.path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(partial.Name())
	_, err = partial.Write(text)
	if err = errors.Join(err, partial.Sync(), partial.Close()); err != nil {
		return err
	}
	if err := os.Rename(partial.Name(), s.path); err != nil {
		return err
	}
	s.written = text
	return nil
}

// set gives a private field of the server its value.
func set[T any](server *testcontrol.Server, name string, value T) {
	field := reflect.ValueOf(server).Elem().FieldByName(name)
	*(*T)(unsafe.Pointer(field.UnsafeAddr())) = value
}
