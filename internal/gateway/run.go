package gateway

import (
	"context"
	"io"
)

func Run(ctx context.Context, cfg Config, stdout io.Writer) error { return nil }
