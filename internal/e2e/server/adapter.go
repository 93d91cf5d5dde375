package main

import (
	"github.com/causeway-rt/causeway/pkg/adapter/redis"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// openAdapter returns the adapter that --redis-url asks for, nil if it does not.
func openAdapter(s *settings) (socketio.Adapter, func() error, error) {
	if s.redisURL == "" {
		return nil, func() error { return nil }, nil
	}
	a, err := redis.New(redis.Config{URL: s.redisURL, Prefix: s.redisPrefix})
	if err != nil {
		return nil, nil, err
	}
	return a, a.Close, nil
}
