package e2e

import (
	"fmt"
	"testing"
)

// The header Origin decides about pages, on both transports alike.
func TestForeignOriginsAreRefusedOnBothTransports(t *testing.T) {
	const good = "https://good.example"
	s := startStrict(t, "--allowed-origins", good)
	for origin, allowed := range map[string]bool{
		good: true, "https://evil.example": false, "null": false, "file://": false, "https://good.example.evil.example": false,
		"http://good.example": false, "https://good.example:8443": false, "https://GOOD.example.": false, good + " https://evil.example": false,
	} {
		t.Run(fmt.Sprintf("%q", origin), func(t *testing.T) {
			header := "Origin: " + origin
			for name, request := range map[string]string{
				"polling":   getRequest(pollingQuery, header),
				"websocket": upgradeRequest(webSocketQuery, header),
			} {
				got, err := exchange(t, s.public, request)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				opened := got.status == 200 || got.status == 101
				if opened != allowed || !opened && got.status != 403 && got.status != 400 {
					t.Errorf("%s: %v", name, got)
				}
				if acao := got.header.Get("Access-Control-Allow-Origin"); !allowed && acao != "" {
					t.Errorf("%s: Access-Control-Allow-Origin: %s", name, acao)
				}
			}
			got, err := exchange(t, s.public, "OPTIONS "+pollingQuery+" HTTP/1.1\r\nHost: x\r\n"+header+"\r\nAccess-Control-Request-Method: POST\r\n\r\n")
			acao := got.header.Get("Access-Control-Allow-Origin")
			if err != nil || allowed != (acao == good) || !allowed && acao != "" {
				t.Errorf("preflight: %v, Access-Control-Allow-Origin %q, %v", got, acao, err)
			}
		})
	}
	t.Run("two headers", func(t *testing.T) {
		got, err := exchange(t, s.public, getRequest(pollingQuery, "Origin: "+good, "Origin: https://evil.example"))
		if err != nil || got.status == 200 {
			t.Errorf("answered %v %v", got, err)
		}
	})
}
