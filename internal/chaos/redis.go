package main

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// redis is a server that keeps its data in an append-only file.
type redis struct {
	address string
	client  *goredis.Client

	mu sync.Mutex // held by the fault that it has
	*process
}

func startRedis(dir, fsync string, ended func(error)) (*redis, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(address)
	r := &redis{address: address}
	r.client = goredis.NewClient(&goredis.Options{Addr: address, MaxRetries: -1, DialTimeout: time.Second, ReadTimeout: time.Second})
	r.process = &process{
		path: path, logPath: filepath.Join(dir, "redis.log"), ended: ended,
		args:  []string{"--port", port, "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "yes", "--appendfsync", fsync},
		ready: func() error { return r.client.Ping(context.Background()).Err() },
	}
	return r, r.start()
}

// restart kills the server and starts it again, with what it has kept.
func (r *redis) restart(down time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.end(syscall.SIGKILL); err != nil {
		return err
	}
	time.Sleep(down)
	return r.start()
}

// dropSubscribers ends all connections that hear channels.
func (r *redis) dropSubscribers() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.client.ClientKillByFilter(context.Background(), "TYPE", "pubsub").Err()
}

func (r *redis) close() error {
	err := r.end(syscall.SIGKILL)
	_ = r.client.Close()
	return err
}
