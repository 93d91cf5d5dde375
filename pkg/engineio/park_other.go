//go:build !linux

package engineio

// Elsewhere every connection keeps its reader.

type parking struct{}

type parkSlot struct{}

func newParking(*Server) *parking { return nil }

func (p *parking) stop()       {}
func (p *parking) run()        {}
func (p *parking) parked() int { return 0 }

func (c *conn) canPark() bool   { return false }
func (c *conn) awaitByte() bool { return true }
func (c *conn) park() bool      { return false }
func (c *conn) unpark() bool    { return false }
func (c *conn) leaveParking()   {}
