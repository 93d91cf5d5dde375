package main

import "github.com/causeway-rt/causeway/pkg/socketio"

func openAdapter(*settings) (socketio.Adapter, error) { return nil, nil }
