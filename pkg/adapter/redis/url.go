package redis

import (
	"errors"
	"fmt"
	neturl "net/url"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// location is what a URL says: where Redis is, and how to be let in.
type location struct {
	kind      locationKind
	options   *goredis.Options // of every server; Addr is the first
	addresses []string         // of Sentinels, or of some nodes of a cluster
	master    string           // what the Sentinels call it
	// Of the Sentinels themselves.
	sentinelUser, sentinelPassword string
}

type locationKind uint8

const (
	oneServer locationKind = iota
	underSentinels
	inCluster
)

var errURL = errors.New("want redis://, rediss:// or unix://, several redis:// with commas between, or redis+sentinel://host,host/master")

// CheckURL reports what is wrong with a URL for Config, without quoting any of it: it may
// have a password.
func CheckURL(url string) error {
	_, err := parseURL(url)
	return err
}

// IsCluster reports whether a URL that CheckURL takes is that of a Redis Cluster.
func IsCluster(url string) bool {
	l, err := parseURL(url)
	return err == nil && l.kind == inCluster
}

// parseURL reads the forms that Config.URL lists.
func parseURL(url string) (location, error) {
	scheme, _, _ := strings.Cut(url, "://")
	switch {
	case scheme == "redis+sentinel", scheme == "rediss+sentinel":
		return parseSentinelURL(url)
	case strings.Contains(url, ",") && !hasOneHost(url):
		return parseClusterURL(url)
	}
	o, err := parseServer(url)
	return location{kind: oneServer, options: o}, err
}

// hasOneHost reports whether the commas of a URL are in its path, its password and so on.
func hasOneHost(url string) bool {
	u, err := neturl.Parse(url)
	return err == nil && !strings.Contains(u.Host, ",")
}

// parseServer reads the URL of one server.
func parseServer(url string) (*goredis.Options, error) {
	u, err := neturl.Parse(url)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" && u.Scheme != "unix" {
		return nil, errURL
	}
	if u.Scheme != "unix" && u.Hostname() == "" { // go-redis would take it for localhost
		return nil, errors.New("no host")
	}
	o, err := goredis.ParseURL(url)
	var withURL *neturl.Error
	if errors.As(err, &withURL) {
		err = withURL.Err // the URL may have a password in it
	}
	if err != nil {
		return nil, fmt.Errorf("redis URL: %w", err)
	}
	prepare(o)
	return o, nil
}

// prepare sets what this package relies on, and what the URL has left open.
func prepare(o *goredis.Options) {
	o.MaxRetries = -1   // a PUBLISH that is repeated is delivered twice
	o.Protocol = 2      // nothing of RESP 3 is used, and its pushes cost a look per message
	o.DialerRetries = 1 // the loops of this package have their own pace
	o.ContextTimeoutEnabled = true
	o.OnConnect = nameConn
	o.DisableIdentity = true // no command of a connection's beginning may be left unanswered
	o.PipelinePoolSize = -1  // one pool: what answers a PING is what the next messages go by
	set(&o.DialTimeout, answerTimeout)
	set(&o.ReadTimeout, 3*time.Second)
	set(&o.WriteTimeout, 3*time.Second)
	set(&o.PoolSize, 4)
}

// parseClusterURL reads several URLs of nodes. The first one's user, password and
// parameters count; the others may be only host:port.
func parseClusterURL(list string) (location, error) {
	l := location{kind: inCluster}
	for i, url := range strings.Split(list, ",") {
		if i > 0 && !strings.Contains(url, "://") {
			url = "redis://" + url
		}
		o, err := parseServer(strings.TrimSpace(url))
		if err != nil {
			return l, err
		}
		if o.Network == "unix" || o.DB != 0 {
			return l, errors.New("a Redis Cluster has neither sockets nor databases")
		}
		if i == 0 {
			l.options = o
		}
		l.addresses = append(l.addresses, o.Addr)
	}
	return l, nil
}

// parseSentinelURL reads redis+sentinel://user:password@host:port,host:port/master/db. The
// user is that of Redis; the parameters sentinel_username and sentinel_password are for
// the Sentinels.
func parseSentinelURL(url string) (l location, err error) {
	l.kind = underSentinels
	scheme, rest, _ := strings.Cut(url, "+sentinel://")
	userinfo, rest := splitAfterLast(rest, "@")
	rest, query, _ := strings.Cut(rest, "?")
	hosts, path, _ := strings.Cut(rest, "/")
	master, db, _ := strings.Cut(path, "/")
	if l.master, err = neturl.PathUnescape(master); err != nil || master == "" {
		return l, errors.New("no name of a master: want redis+sentinel://host,host/master")
	}
	values, err := neturl.ParseQuery(query)
	if err != nil {
		return l, errors.New("its parameters are malformed")
	}
	l.sentinelUser, l.sentinelPassword = values.Get("sentinel_username"), values.Get("sentinel_password")
	values.Del("sentinel_username")
	values.Del("sentinel_password")
	for i, host := range strings.Split(hosts, ",") {
		if !hasPort(host) {
			host += ":26379"
		}
		o, err := parseServer(scheme + "://" + userinfo + host + "/" + db + "?" + values.Encode())
		if err != nil {
			return l, err
		}
		if i == 0 {
			l.options = o
		}
		l.addresses = append(l.addresses, o.Addr)
	}
	return l, nil
}

// splitAfterLast leaves sep with what stands before it.
func splitAfterLast(s, sep string) (before, after string) {
	at := strings.LastIndex(s, sep) + 1
	return s[:at], s[at:]
}

// hasPort looks behind the brackets of an IPv6 address.
func hasPort(host string) bool {
	return strings.Contains(host[strings.LastIndex(host, "]")+1:], ":")
}
