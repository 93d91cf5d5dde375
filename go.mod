module github.com/causeway-rt/causeway

go 1.26.0

require (
	github.com/alecthomas/kong v1.17.0
	github.com/coder/websocket v1.8.15
	go.yaml.in/yaml/v3 v3.0.6
)
