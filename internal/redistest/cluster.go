package redistest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// slotCount is the number of slots of a Redis Cluster.
const slotCount = 16384

// Cluster is a Redis Cluster of processes that only one test uses.
type Cluster struct {
	// Masters have equal shares of the slots, in this order; Replicas are as many, the
	// first of the first master and so on, or none.
	Masters, Replicas []*Own

	t testing.TB
}

// StartCluster runs a cluster until the test ends, with a replica for each master or
// without. A master that does not answer for a second is replaced.
func StartCluster(t testing.TB, masters int, withReplicas bool) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	for range masters {
		c.Masters = append(c.Masters, c.server())
		if withReplicas {
			c.Replicas = append(c.Replicas, c.server())
		}
	}
	for i, m := range c.Masters {
		c.command(m, "CLUSTER", "ADDSLOTSRANGE", i*slotCount/masters, (i+1)*slotCount/masters-1)
		c.command(m, "CLUSTER", "SET-CONFIG-EPOCH", i+1)
	}
	first := c.Masters[0]
	for _, o := range c.all()[1:] {
		host, port, _ := strings.Cut(o.Address(), ":")
		c.command(first, "CLUSTER", "MEET", host, port, o.args[len(o.args)-1])
	}
	for _, o := range c.all() {
		c.waitFor(o, "CLUSTER INFO", "cluster_state:ok", fmt.Sprintf("cluster_known_nodes:%d", len(c.all())))
	}
	for i, r := range c.Replicas {
		c.command(r, "CLUSTER", "REPLICATE", c.ID(c.Masters[i]))
	}
	for _, r := range c.Replicas {
		c.waitFor(r, "INFO replication", "master_link_status:up")
	}
	return c
}

func (c *Cluster) server() *Own {
	return StartOwn(c.t, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-config-file", "nodes.conf",
		"--repl-diskless-sync-delay", "0", "--cluster-port", somePort(c.t))
}

func (c *Cluster) all() []*Own { return append(append([]*Own(nil), c.Masters...), c.Replicas...) }

// URL names the masters: redis://host:port,redis://host:port.
func (c *Cluster) URL() string {
	var urls []string
	for _, m := range c.Masters {
		urls = append(urls, m.URL())
	}
	return strings.Join(urls, ",")
}

// ID is the name that a server has in the cluster.
func (c *Cluster) ID(o *Own) string {
	c.t.Helper()
	id, err := o.Client().ClusterMyID(context.Background()).Result()
	if err != nil {
		c.t.Fatal(err)
	}
	return id
}

// Owner returns the master that had the slot at the beginning.
func (c *Cluster) Owner(slot int) *Own {
	return c.Masters[(slot*len(c.Masters)+len(c.Masters)-1)/slotCount]
}

// Move gives a slot, which has no keys, from one master to another, in the steps that the
// Redis Cluster specification wants: then the new one's claim is the stronger one.
func (c *Cluster) Move(slot int, from, to *Own) {
	c.t.Helper()
	id := c.ID(to)
	c.command(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", c.ID(from))
	c.command(from, "CLUSTER", "SETSLOT", slot, "MIGRATING", id)
	c.command(to, "CLUSTER", "SETSLOT", slot, "NODE", id)
	c.command(from, "CLUSTER", "SETSLOT", slot, "NODE", id)
	for _, m := range c.Masters {
		if m != to && m != from {
			c.command(m, "CLUSTER", "SETSLOT", slot, "NODE", id)
		}
	}
}

func (c *Cluster) command(o *Own, args ...any) {
	c.t.Helper()
	if err := o.Client().Do(context.Background(), args...).Err(); err != nil {
		c.t.Fatalf("%v: %v", args, err)
	}
}

// waitFor asks a server until its answer has all of the wanted lines.
func (c *Cluster) waitFor(o *Own, question string, wanted ...string) {
	c.t.Helper()
	waitFor(c.t, o, question, wanted...)
}

func waitFor(t testing.TB, o *Own, question string, wanted ...string) {
	t.Helper()
	client := o.Client()
	var args []any
	for _, word := range strings.Fields(question) {
		args = append(args, word)
	}
	deadline := time.Now().Add(launchTimeout)
	for {
		answer, err := client.Do(context.Background(), args...).Text()
		missing := false
		for _, line := range wanted {
			missing = missing || !strings.Contains(answer, line)
		}
		if err == nil && !missing {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %q has never had %q: %v", question, answer, wanted, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
