package socketio

import (
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

func TestImpossibleConfigurationIsRefusedByName(t *testing.T) {
	taken := engineio.Config{OnSession: func(*engineio.Session) engineio.Receiver { return nil }}
	for name, cfg := range map[string]Config{
		"Engine.OnSession":  {Engine: taken},
		"Engine.MaxPayload": {Engine: engineio.Config{MaxPayload: -1}},
		"ConnectTimeout":    {ConnectTimeout: -time.Second},
		"MaxAttachments":    {MaxAttachments: -1},
		"MaxNamespaces":     {MaxNamespaces: -1},
		"MaxRoomsPerSocket": {MaxRoomsPerSocket: -1},
		"MaxPendingAcks":    {MaxPendingAcks: -1},
		"MaxNameBytes":      {MaxNameBytes: -1},
		"MaxAuthBytes":      {MaxAuthBytes: -1},
		"MaxRefusals":       {MaxRefusals: -1},
		"MaxArgs":           {MaxArgs: -1},
		"MaxDepth":          {MaxDepth: maxNesting + 1},
		"InboxSize":         {InboxSize: -1},
		"MaxOpenNamespaces": {MaxOpenNamespaces: -1},
	} {
		field := name[strings.LastIndex(name, ".")+1:]
		if _, err := NewServer(cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v, want an error that names it", name, err)
		}
	}
}
