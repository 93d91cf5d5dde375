package redistest

import (
	"context"
	"fmt"
	"strings"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/redis"
)

// image is the Redis that users are told to run.
const image = "redis:7"

// launchContainer runs Redis with Docker.
func launchContainer() (s *server, err error) {
	defer func() {
		if p := recover(); p != nil { // testcontainers panics where it finds no engine
			s, err = nil, fmt.Errorf("docker: %v", p)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 5*launchTimeout)
	defer cancel()
	provider, err := testcontainers.NewDockerProvider()
	if err != nil {
		return nil, err
	}
	healthErr := provider.Health(ctx)
	if err := provider.Close(); err != nil {
		return nil, err
	}
	if healthErr != nil {
		return nil, healthErr
	}
	c, err := redis.Run(ctx, image)
	stop := func() error { return testcontainers.TerminateContainer(c) }
	if err != nil {
		_ = stop()
		return nil, err
	}
	url, err := c.ConnectionString(ctx)
	if err != nil {
		_ = stop()
		return nil, err
	}
	return &server{address: strings.TrimPrefix(url, "redis://"), stop: stop}, nil
}
