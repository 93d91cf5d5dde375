package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// document is openapi.json, to hold requests and answers to.
type document struct{ *openapi3.T }

var theDocument = sync.OnceValue(func() document {
	doc, err := openapi3.NewLoader().LoadFromData(Document)
	if err != nil {
		panic(err)
	}
	return document{doc}
})

// check holds an answer to the document, and the request, if it was a success.
func (d document) check(r *http.Request, body string, out reply) error {
	item := d.Paths.Find(r.URL.Path)
	if item == nil || item.GetOperation(r.Method) == nil {
		if out.status == http.StatusNotFound || out.status == http.StatusMethodNotAllowed {
			return nil
		}
		return errors.New("the document does not know it")
	}
	r = r.Clone(context.Background())
	r.Body = io.NopCloser(strings.NewReader(body))
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, SkipSettingDefaults: true}
	in := &openapi3filter.RequestValidationInput{
		Request: r, Options: options,
		Route: &routers.Route{Spec: d.T, Path: r.URL.Path, PathItem: item, Method: r.Method, Operation: item.GetOperation(r.Method)},
	}
	// An item of a batch may be wrong without the batch being refused.
	if out.status < 300 && !bytes.Contains(out.body, []byte(`"problem":`)) {
		if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
			return fmt.Errorf("the document refuses what the handler took: %w", err)
		}
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: out.status, Header: out.header, Options: options, Body: io.NopCloser(bytes.NewReader(out.body)),
	})
}

// refuses reports whether the document says that a body is not what a route takes.
func (d document) refuses(route, body string) bool {
	schema := d.Paths.Find(Path + route).Post.RequestBody.Value.Content["application/json"].Schema.Value
	var value any
	if unmarshal(body, &value) != nil {
		return true
	}
	return schema.VisitJSON(value, openapi3.EnableJSONSchema2020()) != nil
}

func TestDocumentIsOpenAPI(t *testing.T) {
	doc := theDocument()
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("it is version %q", doc.OpenAPI)
	}
}

func TestDocumentDescribesWhatIsServedAndNothingElse(t *testing.T) {
	doc, served := theDocument(), newRoutes()
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			r := served[path]
			if r == nil || r.method != method {
				t.Errorf("%s %s is not served", method, path)
				continue
			}
			var scopes []string
			for _, s := range *op.Security {
				scopes = append(scopes, s["key"]...)
			}
			if want := strings.Fields(string(r.scope)); !slices.Equal(scopes, want) {
				t.Errorf("%s %s needs the scopes %q, not %q", method, path, want, scopes)
			}
			if op.Responses.Status(r.status) == nil {
				t.Errorf("%s %s: no %d", method, path, r.status)
			}
		}
	}
	for path, r := range served {
		if item := doc.Paths.Find(path); item == nil || item.GetOperation(r.method) == nil {
			t.Errorf("%s %s is not described", r.method, path)
		}
	}
}

func TestDocumentIsServedWithoutAKey(t *testing.T) {
	w := start(t, nil)
	got := w.send(http.MethodGet, "openapi.json", "")
	if got.status != http.StatusOK || !strings.Contains(string(got.body), `"/api/v1/emit"`) {
		t.Errorf("%d %.100s", got.status, got.body)
	}
}
