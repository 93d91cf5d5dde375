package redis

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// A connection that fell silent is replaced, but where the network has swallowed its end
// Redis keeps it for minutes, subscribed to everything. Other nodes count it as one that
// never answers: each of their questions would run out of time. So a new connection has
// the former ones ended.

const (
	// maxFormer is how many connections are remembered to be ended.
	maxFormer = 8
	// formerRetry is the time between attempts.
	formerRetry = time.Second
)

// connName is what Redis knows a connection by. The name is there because after a
// failover the number may be another's.
type connName struct{ id, name string }

// nameConn is go-redis's OnConnect. It names the connections of listeners. A Redis that
// does not allow that is no reason to go without.
func nameConn(ctx context.Context, c *goredis.Conn) error {
	d, ok := ctx.Value(oneDialKey{}).(*oneDial)
	if !ok {
		return nil
	}
	name := "causeway-" + newUID() + newUID()
	pipe := c.Pipeline()
	pipe.ClientSetName(ctx, name)
	id := pipe.ClientID(ctx)
	_, err := pipe.Exec(ctx)
	var refused goredis.Error
	if err != nil {
		if errors.As(err, &refused) {
			return nil
		}
		return err
	}
	d.conn.Store(&connName{strconv.FormatInt(id.Val(), 10), name})
	return nil
}

// retire remembers the connection of a listener that has ended.
func (a *Adapter) retire(ctx context.Context) {
	d, ok := ctx.Value(oneDialKey{}).(*oneDial)
	if !ok {
		return
	}
	if c := d.conn.Load(); c != nil {
		a.former = append(a.former, *c)
		a.former = a.former[max(len(a.former)-maxFormer, 0):]
	}
}

// endFormer ends the former connections, as soon as Redis answers on the new one.
func (l *listener) endFormer(ctx context.Context) {
	select {
	case <-l.greeted:
	case <-ctx.Done():
		return
	}
	for ctx.Err() == nil {
		c := l.former[0]
		if err := l.end(ctx, c); err == nil {
			if l.former = l.former[1:]; len(l.former) == 0 {
				return
			}
			continue
		}
		if !sleep(ctx, formerRetry) {
			return
		}
	}
}

// end ends a connection if it is still there. An error says that it is not known.
func (l *listener) end(ctx context.Context, c connName) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	line, err := l.client.Do(ctx, "client", "list", "id", c.id).Text()
	if err == nil && strings.Contains(line, " name="+c.name+" ") {
		if err = l.client.ClientKillByFilter(ctx, "ID", c.id).Err(); err == nil {
			l.count.formerEnded.Add(1)
		}
	}
	var refused goredis.Error
	if errors.As(err, &refused) {
		return nil // it may not, or the connection has just gone
	}
	return err
}
