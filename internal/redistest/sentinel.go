package redistest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Watched is a master with a replica that three Sentinels watch: processes that only one
// test uses.
type Watched struct {
	Master, Replica *Own
	Sentinels       []*Own
}

// MasterName is what the Sentinels call their master.
const MasterName = "causeway"

// StartSentinels runs the five processes until the test ends. A master that does not answer
// for a second is replaced.
func StartSentinels(t testing.TB) *Watched {
	t.Helper()
	w := &Watched{Master: StartOwn(t, "--repl-diskless-sync-delay", "0")}
	host, port, _ := net.SplitHostPort(w.Master.Address())
	w.Replica = StartOwn(t, "--replicaof", host+" "+port)
	waitFor(t, w.Replica, "INFO replication", "master_link_status:up")
	for range 3 {
		w.Sentinels = append(w.Sentinels, startSentinel(t, host, port))
	}
	for _, s := range w.Sentinels {
		waitFor(t, s, "INFO sentinel", "slaves=1,sentinels=3", "status=ok")
	}
	return w
}

func startSentinel(t testing.TB, masterHost, masterPort string) *Own {
	t.Helper()
	own, dir := somePort(t), t.TempDir()
	file := filepath.Join(dir, "sentinel.conf") // which it writes to
	config := fmt.Sprintf(`port %s
bind 127.0.0.1
dir %s
sentinel monitor %s %s %s 2
sentinel down-after-milliseconds %s 1000
sentinel failover-timeout %s 3000
`, own, dir, MasterName, masterHost, masterPort, MasterName, MasterName)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return startOwn(t, own, file, "--sentinel")
}

// URL names the Sentinels: redis+sentinel://host:port,host:port/name.
func (w *Watched) URL() string {
	var hosts []string
	for _, s := range w.Sentinels {
		hosts = append(hosts, s.Address())
	}
	return "redis+sentinel://" + strings.Join(hosts, ",") + "/" + MasterName
}
