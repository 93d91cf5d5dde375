package crew

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"time"
)

const (
	leastKeyBytes = 16
	mostKeyBytes  = 4 << 10
)

// ReadKey reads the secret that a worker and those who may use it share: 16 to 4,096
// bytes, less a newline at the end.
func ReadKey(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, mostKeyBytes+3))
	if err != nil {
		return nil, err
	}
	return CheckKey(raw)
}

// CheckKey is ReadKey of a key that is known.
func CheckKey(raw []byte) ([]byte, error) {
	key := bytes.TrimRight(raw, "\r\n")
	if len(key) < leastKeyBytes || len(key) > mostKeyBytes {
		return nil, fmt.Errorf("want a secret of %d to %d bytes, such as openssl rand -hex 32 makes", leastKeyBytes, mostKeyBytes)
	}
	return key, nil
}

// Private reports whether nobody but this machine's own users can reach the address:
// whether a key can be done without there.
func Private(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// certificate is what TLS needs. Nobody looks at it: see proof.
func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(100, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// Who proves that it has the key.
const (
	asCoordinator = "loadtest coordinator"
	asWorker      = "loadtest worker"
)

// proof shows that an end of this connection has the key: an HMAC over secrets that TLS
// derives for the two ends of a connection and nobody else. Someone in the middle has two
// connections, with other secrets, and can use the proof of neither for the other; so the
// certificate need not be known. Without a key there is no proof.
func proof(key []byte, conn *tls.Conn, who string) ([]byte, error) {
	if len(key) == 0 {
		return nil, nil
	}
	state := conn.ConnectionState()
	secret, err := state.ExportKeyingMaterial(who, nil, sha256.Size)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(secret)
	return mac.Sum(nil), nil
}

// checkProof says in one line why a peer's proof is none. ours is this end's key.
func checkProof(ours []byte, conn *tls.Conn, who string, h hello) error {
	want, err := proof(ours, conn, who)
	switch {
	case err != nil:
		return err
	case hmac.Equal(want, h.Proof):
		return nil
	case len(want) == 0:
		return errors.New("the worker has no key, and the coordinator has: start it with --worker-key-file, or leave that out here")
	case len(h.Proof) == 0 && who == asCoordinator:
		return errors.New("the worker has a key: want --worker-key-file with the same")
	}
	return errors.New("the keys of coordinator and worker are not the same")
}

// checkHello is what both ends check of the other.
func checkHello(h hello) error {
	if h.Protocol != protocol {
		return fmt.Errorf("%.60q speaks version %d of the workers' protocol, and this program version %d: use the same loadtest everywhere", h.Tool, h.Protocol, protocol)
	}
	return nil
}
