package machine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

// spareDescriptors are for files, pipes, metrics, the runtime.
const spareDescriptors = 64

// Outcome is what a plan needs to know of the machine.
type Outcome struct {
	// Sources are the addresses to connect from, in turn. Empty: the kernel chooses.
	Sources []string
	// Warnings are sentences for who reads the result.
	Warnings []string
}

// Check says whether l allows what p needs. The error is one line that names the
// limit and what to do. It looks up the names of the servers, until ctx ends.
func Check(ctx context.Context, p *plan.Plan, l Limits) (Outcome, error) {
	return CheckPart(ctx, p, 1, l)
}

// CheckPart is Check of one of several processes that share the plan's clients.
func CheckPart(ctx context.Context, p *plan.Plan, processes int, l Limits) (Outcome, error) {
	n := needOf(p, processes)
	if want := uint64(n.sockets + spareDescriptors); l.Descriptors > 0 && want > l.Descriptors {
		return Outcome{}, fmt.Errorf("%d connections need %d file descriptors, and RLIMIT_NOFILE allows %d: raise the hard limit (ulimit -Hn), use fewer clients, or share them among --workers",
			n.sockets, want, l.Descriptors)
	}
	targets, err := resolve(ctx, p.URLs)
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{Sources: p.Sources}
	if len(p.Sources) > 0 {
		err = checkSources(p.Sources, n, l)
	} else {
		out.Sources, err = chooseSources(targets, n, l)
	}
	if err != nil {
		return Outcome{}, err
	}
	if takes := int64(n.clients) * clientBytes; l.Available > 0 && takes > l.Available/10*8 {
		out.Warnings = append(out.Warnings, fmt.Sprintf("%d clients take about %d MiB of memory here, and %d MiB are available: the load may not be what it should be.",
			n.clients, takes>>20, l.Available>>20))
	}
	return out, nil
}

// target is one server's address.
type target struct {
	name      string
	addresses []netip.AddrPort
}

func (t target) isLoopback4() bool {
	return slices.ContainsFunc(t.addresses, func(a netip.AddrPort) bool { return a.Addr().Unmap().Is4() && a.Addr().IsLoopback() })
}

func resolve(ctx context.Context, urls []string) ([]target, error) {
	out := make([]target, len(urls))
	for i, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("--url=%q: want http://host:port", raw)
		}
		port := u.Port()
		if port == "" {
			port = u.Scheme // a name of a port, too
		}
		number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
		if err != nil {
			return nil, fmt.Errorf("--url=%q: no port %s", raw, port)
		}
		addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
		if err != nil {
			return nil, fmt.Errorf("--url=%q: the name %s has no address: %s", raw, u.Hostname(), lastPart(err))
		}
		out[i].name = net.JoinHostPort(u.Hostname(), fmt.Sprint(number))
		for _, a := range addresses {
			out[i].addresses = append(out[i].addresses, netip.AddrPortFrom(a, uint16(number)))
		}
	}
	return out, nil
}

// lastPart is what went wrong, without what was tried.
func lastPart(err error) string {
	s := err.Error()
	return strings.TrimSpace(s[strings.LastIndexByte(s, ':')+1:])
}

// checkSources holds the addresses that were asked for against the machine. A socket
// that is bound to an address takes a port of that address for itself, whatever it
// connects to.
func checkSources(sources []string, n need, l Limits) error {
	for _, s := range sources {
		a, err := netip.ParseAddr(s)
		if err == nil {
			var probe *net.TCPListener
			if probe, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0))); err == nil {
				probe.Close()
			}
		}
		if err != nil {
			return fmt.Errorf("--source=%q: not an address of this machine: %s", s, lastPart(err))
		}
	}
	if most := l.Ports * len(sources); l.Ports > 0 && n.ports > most {
		return fmt.Errorf("%s, and net.ipv4.ip_local_port_range leaves %d for each of %d source addresses: give more with --source, widen the range, or share the clients among --workers",
			n.portsNeeded(), l.Ports, len(sources))
	}
	return nil
}

// chooseSources leaves the choice to the kernel, or for servers on this machine takes
// as many loopback addresses as are needed.
func chooseSources(targets []target, n need, l Limits) ([]string, error) {
	each := (n.ports + len(targets) - 1) / max(len(targets), 1)
	busiest, count := busiest(targets)
	if l.Ports == 0 || each*count <= l.Ports/3 {
		return nil, nil
	}
	if l.Loopbacks && !slices.ContainsFunc(targets, func(t target) bool { return !t.isLoopback4() }) {
		return loopback(1 + n.ports/(l.Ports/3)), nil
	}
	if each*count > l.Ports {
		return nil, fmt.Errorf("%s to %s, and net.ipv4.ip_local_port_range leaves %d for one source address: give several addresses of this machine with --source, widen the range, or share the clients among --workers",
			need{sockets: n.sockets, ports: each * count}.portsNeeded(), busiest, l.Ports)
	}
	return nil, nil
}

// busiest is the address that most of the URLs lead to, and how many they are.
func busiest(targets []target) (name string, count int) {
	counts := map[string]int{}
	for _, t := range targets {
		counts[t.name]++
		if counts[t.name] > count {
			name, count = t.name, counts[t.name]
		}
	}
	return name, count
}

// portsNeeded begins a sentence.
func (n need) portsNeeded() string {
	if n.ports > n.sockets {
		return fmt.Sprintf("connections that come and go need %d ports (Linux keeps one for %d s after its end)", n.ports, timeWait)
	}
	return fmt.Sprintf("%d connections need as many ports", n.ports)
}

// loopback returns n addresses that follow each other. The first is chosen at random:
// ports that an earlier run has left in TIME_WAIT are then on others.
func loopback(n int) []string {
	const first, last = 127<<24 | 1<<16, 127<<24 | 250<<16
	n = min(n, 10_000)
	at := uint32(first + rand.IntN(last-first-n))
	out := make([]string, 0, n)
	for ; len(out) < n; at++ {
		a := netip.AddrFrom4([4]byte{byte(at >> 24), byte(at >> 16), byte(at >> 8), byte(at)})
		if low := byte(at); low != 0 && low != 255 {
			out = append(out, a.String())
		}
	}
	return out
}
