package show

import (
	"os/exec"
	"strings"
	"testing"
)

func TestNumbersReadAsPeopleWriteThem(t *testing.T) {
	for name, row := range map[string]struct{ got, want string }{
		"short":              {Short(12500), "12.5k"},
		"short, rounded up":  {Short(999_600), "1M"},
		"short, whole":       {Short(20), "20"},
		"clock":              {Clock(67.4), "1:07"},
		"clock of hours":     {Clock(3723), "1:02:03"},
		"clock before start": {Clock(-4), "0:00"},
		"bytes":              {Bytes(512), "512 B"},
		"kibibytes":          {Bytes(8192), "8 KiB"},
		"gibibytes":          {Bytes(3 << 30), "3 GiB"},
		"unknown size":       {Bytes(-1), Missing},
	} {
		if row.got != row.want {
			t.Errorf("%s: %q, want %q", name, row.got, row.want)
		}
	}
}

func TestPlainTextMovesNoCursor(t *testing.T) {
	for name, row := range map[string]struct {
		text  string
		limit int
		want  string
	}{
		"as it is":          {"connect: refused", 80, "connect: refused"},
		"exactly as long":   {"abcdef", 6, "abcdef"},
		"too long":          {"abcdefgh", 6, "abc..."},
		"escape sequence":   {"\x1b[2Jgone", 80, `\x1b[2Jgone`},
		"lines":             {"a\r\nb", 80, `a\r\nb`},
		"direction":         {"a\u202eb", 80, `a\u202eb`},
		"wide":              {"日", 80, `\u65e5`},
		"broken UTF-8":      {"a\xffb", 80, `a\xffb`},
		"escape at the end": {"abc\x1b\x1b", 6, `abc...`},
	} {
		got := Plain(row.text, row.limit)
		if got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
		if len(got) > row.limit {
			t.Errorf("%s: %d bytes, want at most %d", name, len(got), row.limit)
		}
	}
}

func TestVisibleTextKeepsLettersAndShowsTheRest(t *testing.T) {
	if got, want := Visible("größe 日本 \x1b[0m \u202e\xff \uFFFD", 80), "größe 日本 \\x1b[0m \\u202e\\xff \uFFFD"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Visible(strings.Repeat("é", 100), 10); got != strings.Repeat("é", 10)+"…" {
		t.Errorf("not cut: %q", got)
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("\x1b[31mred", 20)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 3 || limit > 1000 {
			return
		}
		got := Plain(s, limit)
		if len(got) > limit {
			t.Fatalf("%d bytes, want at most %d", len(got), limit)
		}
		for _, c := range []byte(got) {
			if c < ' ' || c > '~' {
				t.Fatalf("byte %#x in %q", c, got)
			}
		}
	})
}

func TestCommandCanBePastedAndTellsNoSecrets(t *testing.T) {
	args := []string{"loadtest", "run", "--url", "http://ann:hunter2@localhost:3000", "--expect", "delivery_p99<50ms,lost=0",
		"--header", "Authorization: Bearer hunter2", "--auth={\"token\":\"hunter2\"}", "--html", "it's here.html"}
	got := Command(args)
	want := `loadtest run --url http://ann:...@localhost:3000 --expect 'delivery_p99<50ms,lost=0'` +
		` --header 'Authorization: ...' --auth=... --html 'it'\''s here.html'`
	if got != want {
		t.Errorf("\n%s, want\n%s", got, want)
	}
	if strings.Contains(got, "hunter2") {
		t.Error("a secret is in it")
	}
}

func TestQuotedWordReachesTheShellUnchanged(t *testing.T) {
	for _, word := range []string{"", "a b", "$(reboot)", "it's", "`id`", "größe", "line\nline", "a'\x1b[0m", `back\slash` + "\t'", "!x"} {
		out, err := exec.CommandContext(t.Context(), "bash", "-c", "printf %s "+Quote(word)).Output()
		if err != nil {
			t.Fatal(err)
		}
		if string(out) != word {
			t.Errorf("%q became %q", word, out)
		}
	}
}
