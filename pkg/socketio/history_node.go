package socketio

var _ HistoryNode = node{}

func historyOf(s *Server) History {
	if h, ok := s.cfg.Adapter.(HistoryAdapter); ok {
		return h
	}
	return &ownHistory{newMemory(), s}
}

// open returns a namespace if it is open.
func (s *Server) openNamespace(name string) *Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.namespaces[name]
}

// recovery returns what a namespace has for recovery, or nil.
func (n node) recovery(namespace string) *recoverable {
	if ns := n.server.openNamespace(namespace); ns != nil {
		return ns.recovery
	}
	return nil
}

func (n node) Recovery(namespace string) Recovery {
	if r := n.recovery(namespace); r != nil {
		return r.settings
	}
	return n.server.recoveryOf(namespace)
}

// DeliverRecorded moves the position on in any case: what is refused here would be again.
func (n node) DeliverRecorded(b *Broadcast, at Offset) error {
	ns, err := n.check(b)
	if err != nil {
		n.Advance(b.Namespace, at)
		return err
	}
	if ns.recovery == nil { // the nodes are not configured alike
		n.server.counters.heard.Add(1)
		ns.deliver(b)
		return nil
	}
	if err := ns.recovery.deliverRecorded(b, at); err != nil {
		return err
	}
	n.server.counters.heard.Add(1)
	return nil
}

func (n node) Position(namespace string) Offset {
	if r := n.recovery(namespace); r != nil {
		return r.at()
	}
	return Offset{}
}

func (n node) Advance(namespace string, at Offset) {
	if r := n.recovery(namespace); r != nil {
		r.advance(at)
	}
}

func (n node) Taken(namespace, pid string, epoch uint64) {
	if r := n.recovery(namespace); r != nil {
		r.taken(pid, epoch)
	}
}

func (n node) Missed(namespace string, at Offset, cause error) {
	if r := n.recovery(namespace); r != nil {
		r.missed(at, cause)
	}
}

func (n node) Resave() {
	n.server.resave.Store(true)
	n.server.wakeKeeper()
}
