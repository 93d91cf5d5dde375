package engineio

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"
)

// tlsConfigs returns the two sides of a connection with a certificate of the moment.
func tlsConfigs(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"server"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	server = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return server, &tls.Config{RootCAs: pool, ServerName: "server"}
}

func TestTLSConnectionCarriesASession(t *testing.T) {
	w := newTLSWorld(t, Config{})
	c := w.openWebSocket()
	c.text("4up")
	if got := c.peer.next(); got != "up" {
		t.Errorf("received %q", got)
	}
	for range 100 {
		if err := c.peer.Send(NewText([]byte("down")), NewBinary([]byte{1, 2})); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		c.expectText("4down")
		if f, err := c.read(); err != nil || f != (frame{2, "\x01\x02"}) {
			t.Fatalf("read %+v, %v", f, err)
		}
	}
	c.peer.Close(ReasonForcedClose)
	c.expectClose(noCode)
	c.peer.expectEnd(ReasonForcedClose)
}

// tlsListener is tls.NewListener for connections that are no TCP.
type tlsListener struct {
	net.Listener
	config *tls.Config
}

func (l tlsListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tls.Server(c, l.config), nil
}

func tlsClient(c net.Conn, config *tls.Config) net.Conn { return tls.Client(c, config) }
