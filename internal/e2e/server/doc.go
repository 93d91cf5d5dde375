// Command server offers the end-to-end tests what the gateway's relay events do
// not: echo, acks in both directions, rooms with everything an emitter can do,
// middlewares, dynamic namespaces, and handlers that block or panic. It takes
// the gateway's flags where it has the same settings.
//
// Namespaces: / and /custom admit everybody; /guarded asks for auth.token
// "secret"; /slow-auth admits after 300 ms; /dyn-… is dynamic by pattern, /fn-…
// by a function that wants auth.admit. All have the same events: see events.go.
package main
