package main

import "bytes"

// watchUpgrades returns a channel of the connections on which a session asks for a WebSocket,
// until the result stop is called. One that nobody waits for is not kept.
func (w *way) watchUpgrades() (upgrades <-chan *strand, stop func()) {
	c := make(chan *strand, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.upgrades = c
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.upgrades = nil
	}
}

// lookForUpgrade tells who watches of a request for the WebSocket of a polling session.
func (w *way) lookForUpgrade(s *strand, request []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.upgrades == nil || !bytes.Contains(request, []byte("transport=websocket&sid=")) {
		return
	}
	select {
	case w.upgrades <- s:
	default:
	}
}
