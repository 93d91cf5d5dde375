package redis

import "testing"

func TestChannelNamesAreTheOfficialOnes(t *testing.T) {
	c := newChannels("socket.io")
	for _, row := range []struct{ got, want string }{
		{c.all("/"), "socket.io#/#"},
		{c.room("/", "room1"), "socket.io#/#room1#"},
		{c.requests("/chat"), "socket.io-request#/chat#"},
		{c.target("/", nil), "socket.io#/#"},
		{c.target("/", []string{"a"}), "socket.io#/#a#"},
		{c.target("/", []string{"a", "b"}), "socket.io#/#"},
		{c.private("/x[1]*", "AbCd"), `socket.io#/x\[1\]\*#AbCd*`},
		{c.private(`/\?`, "AbCd"), `socket.io#/\\\?#AbCd*`},
	} {
		if row.got != row.want {
			t.Errorf("got %q, want %q", row.got, row.want)
		}
	}
}

func TestRoomIsReadBackFromItsChannel(t *testing.T) {
	c := newChannels("p")
	for _, ns := range []string{"/", "/a", "/a#b", "/é"} {
		for _, room := range []string{"", "r", "a#b", "#", "##", "\n", "/"} {
			channel := c.all(ns)
			if room != "" {
				channel = c.room(ns, room)
			}
			if got, ok := c.roomOf(channel, ns); !ok || got != room {
				t.Errorf("%q: %q, %v", channel, got, ok)
			}
		}
	}
	for _, channel := range []string{"", "p", "p#", "p#/", "q#/#", "p#/x#", "p#/#r", "p-request#/#"} {
		if room, ok := c.roomOf(channel, "/"); ok {
			t.Errorf("%q is taken for room %q", channel, room)
		}
	}
}

func TestEnvelopesAreTheOfficialOnes(t *testing.T) {
	for _, row := range []struct {
		name, want string
		data, ns   string
		room, but  []string
		noCompress bool
	}{
		{name: "all", data: `["hello",1]`, ns: "/",
			want: "\x93\xa6AAAAAA\x83\xa4type\x02\xa4data\x92\xa5hello\x01\xa3nsp\xa1/\x83\xa5rooms\x90\xa6except\x90\xa5flags\x80"},
		{name: "room", data: `["hi"]`, ns: "/chat", room: []string{"r1"}, but: []string{"x"}, noCompress: true,
			want: "\x93\xa6AAAAAA\x83\xa4type\x02\xa4data\x91\xa2hi\xa3nsp\xa5/chat\x83\xa5rooms\x91\xa2r1\xa6except\x91\xa1x\xa5flags\x81\xa8compress\xc2"},
	} {
		b := event(row.ns, row.data, row.room...)
		b.Except, b.NoCompress = row.but, row.noCompress
		got, err := appendEnvelope(nil, "AAAAAA", b)
		if err != nil || string(got) != row.want {
			t.Errorf("%s: %q, %v", row.name, got, err)
		}
		if !hasSender(row.want, "AAAAAA") || hasSender(row.want, "AAAAAB") || hasSender(row.want[:5], "AAAAAA") {
			t.Errorf("%s: sender", row.name)
		}
	}
}
