package api

import _ "embed"

// Document is the OpenAPI description of the API, which is served at openapi.json.
//
//go:embed openapi.json
var Document []byte
