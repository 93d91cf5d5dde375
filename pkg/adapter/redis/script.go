package redis

import (
	"context"
	"crypto/sha1" //nolint:gosec // Redis names scripts so
	_ "embed"
	"encoding/hex"
	"errors"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/internal/sabotage"
)

var (
	//go:embed lua/common.lua
	commonLua string
	//go:embed lua/record_fast.lua
	recordFastLua string
	//go:embed lua/record.lua
	recordLua string
	//go:embed lua/heads.lua
	headsLua string
	//go:embed lua/read.lua
	readLua string
	//go:embed lua/tidy.lua
	tidyLua string
	//go:embed lua/save.lua
	saveLua string
	//go:embed lua/take.lua
	takeLua string
	//go:embed lua/keep.lua
	keepLua string
)

var (
	recordScript = newScript(recordFastLua, commonLua, recordLua)
	headsScript  = newScript(commonLua, headsLua)
	readScript   = newScript(commonLua, readLua)
	tidyScript   = newScript(commonLua, tidyLua)
	saveScript   = newScript(commonLua, fenced(saveLua))
	lookScript   = newScript("return redis.call('GET', KEYS[1])")
	takeScript   = newScript(takeLua)
	keepScript   = newScript(keepLua)
)

// fenced leaves save.lua as it is.
func fenced(lua string) string {
	if sabotage.Fencing {
		return strings.ReplaceAll(lua, "then return false end", "then end")
	}
	return lua
}

// luaScript is a Lua program that Redis executes as one command.
type luaScript struct{ text, hash string }

// newScript leaves the comments out.
func newScript(parts ...string) *luaScript {
	var text strings.Builder
	for _, part := range parts {
		for line := range strings.Lines(part) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--") {
				text.WriteString(line + "\n")
			}
		}
	}
	sum := sha1.Sum([]byte(text.String())) //nolint:gosec // Redis names scripts so
	return &luaScript{text.String(), hex.EncodeToString(sum[:])}
}

// scriptCall is a script on its way to Redis, in the order of what is published.
type scriptCall struct {
	script *luaScript
	keys   []string
	args   []any
	// size is about how many bytes of args wait with it.
	size int
	// of, if not nil, is the namespace of an event that is recorded. The rest of its arguments is
	// known when it is sent: see track.appendRecord.
	of *track
	// took is given the answer, unless there is an error. It must not block.
	took func(answer any)
}

// scriptBatch puts calls into a pipeline. The first of a script that the server may not know says
// it in full.
type scriptBatch struct {
	pipe  goredis.Pipeliner
	known map[*luaScript]bool
	begun map[*track]bool
}

// unknownScript says that the server did not know the script after all, as another one may not.
func unknownScript(err error) bool { return err != nil && goredis.HasErrorPrefix(err, "NOSCRIPT") }

func (b *scriptBatch) add(ctx context.Context, c *scriptCall, payload []byte) *goredis.Cmd {
	if b.known == nil {
		b.known = make(map[*luaScript]bool)
	}
	if b.begun == nil {
		b.begun = make(map[*track]bool)
	}
	args := make([]any, 0, 3+len(c.keys)+len(c.args)+2)
	if b.known[c.script] {
		args = append(args, "evalsha", c.script.hash)
	} else {
		args = append(args, "eval", c.script.text)
		b.known[c.script] = true
	}
	args = append(args, len(c.keys))
	for _, key := range c.keys {
		args = append(args, key)
	}
	if c.of == nil {
		return b.pipe.Do(ctx, append(args, c.args...)...)
	}
	args = c.of.appendRecord(args, c.args, payload, !b.begun[c.of])
	b.begun[c.of] = true
	return b.pipe.Do(ctx, args...)
}

// run executes a script at once, on a connection of its own.
func (s *luaScript) run(ctx context.Context, client goredis.UniversalClient, keys []string, args ...any) (any, error) {
	answer, err := client.EvalSha(ctx, s.hash, keys, args...).Result()
	if unknownScript(err) {
		answer, err = client.Eval(ctx, s.text, keys, args...).Result()
	}
	return answer, err
}

// answered hands the answer over. A nil answer is none but an error only for go-redis.
func (c *scriptCall) answered(reply goredis.Cmder) error {
	err := reply.Err()
	if errors.Is(err, goredis.Nil) {
		err = nil
	}
	if cmd, ok := reply.(*goredis.Cmd); ok && err == nil && c.took != nil {
		c.took(cmd.Val())
	}
	return err
}
