// Package adaptertest holds what every socketio.Adapter must do, as tests.
//
// The nodes are models: they keep sockets and rooms in maps, tell the adapter of
// first joins and last leaves as a Server does, and note what each socket gets.
package adaptertest
