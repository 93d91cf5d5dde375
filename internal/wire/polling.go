package wire

import (
	"context"
	"errors"
)

type poller struct{ session *session }

func (s *session) openPolling(context.Context) error { return errors.ErrUnsupported }
func (p *poller) poll() error                        { return errors.ErrUnsupported }
func (p *poller) run() error                         { return errors.ErrUnsupported }
func (p *poller) post([]byte) error                  { return errors.ErrUnsupported }
