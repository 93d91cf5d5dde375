package socketio

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
)

// DynamicNamespace is a rule by which namespaces open when a client asks for
// them. What is registered on it holds for all of them, those that are open
// already included, and comes before what is registered on one of them.
type DynamicNamespace struct {
	// Immutable.
	server  *Server
	label   string // names the rule in figures; client text would be without bound
	pattern *regexp.Regexp
	match   func(name string, auth json.RawMessage) bool

	hooks
}

// Emit sends an event to every socket of the namespaces that are open by this
// rule on this node, on all nodes. It tries all of them; the error is the first one's
// that failed. See Emitter.Emit.
func (d *DynamicNamespace) Emit(event string, args ...any) (err error) {
	for _, n := range d.server.allNamespaces() {
		if n.parent == d {
			err = cmp.Or(err, n.Emit(event, args...))
		}
	}
	return err
}

func (s *Server) addDynamic(d *DynamicNamespace) *DynamicNamespace {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.label == "" {
		d.label = fmt.Sprintf("/_%d", len(s.dynamic))
	}
	s.dynamic = append(s.dynamic, d)
	return d
}

// dynamicFor returns the first pattern that matches name. It needs mu.
func (s *Server) dynamicFor(name string) *DynamicNamespace {
	for _, d := range s.dynamic {
		if d.pattern != nil && d.pattern.MatchString(name) {
			return d
		}
	}
	return nil
}

// knownName returns the name of an open namespace, so that packets need not copy it.
func (s *Server) knownName(name []byte) string {
	if bytes.Equal(name, []byte("/")) {
		return "/"
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if n := s.namespaces[string(name)]; n != nil {
		return n.name
	}
	return ""
}

// enter returns the namespace that a client asks for, or why there is none. It
// counts the client as a user, until leave.
func (s *Server) enter(name string, auth json.RawMessage) (*Namespace, error) {
	if n := s.enterOpen(name); n != nil {
		return n, nil
	}
	s.mu.RLock()
	rules := s.dynamic
	s.mu.RUnlock()
	for _, d := range rules {
		if d.pattern != nil && d.pattern.MatchString(name) || d.match != nil && d.match(name, auth) {
			return s.enterDynamic(name, d)
		}
	}
	return nil, errInvalidNamespace
}

// enterOpen is enter for a namespace that exists.
func (s *Server) enterOpen(name string) *Namespace {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.namespaces[name]
	if n != nil {
		n.users++
	}
	return n
}

func (s *Server) enterDynamic(name string, d *DynamicNamespace) (*Namespace, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.namespaces[name]
	if n == nil {
		if len(s.namespaces) >= s.cfg.MaxOpenNamespaces {
			return nil, errNamespacesFull
		}
		n = newNamespace(s, name, d)
		s.namespaces[name] = n
	}
	n.users++
	return n, nil
}

// leave is the end of what enter began. The last one out removes a dynamic
// namespace, if the configuration says so.
func (s *Server) leave(n *Namespace) {
	s.mu.Lock()
	n.users--
	last := n.unused()
	s.mu.Unlock()
	if last {
		s.closeLink(n)
	}
}

func (s *Server) allNamespaces() []*Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]*Namespace, 0, len(s.namespaces))
	for _, n := range s.namespaces {
		all = append(all, n)
	}
	return all
}
