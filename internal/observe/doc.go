// Package observe has what watches a gateway from outside: the Grafana dashboard, which
// Dashboard writes, and the proof that the dashboard and the alert rules of
// deploy/prometheus speak of metrics that a running gateway has. The proof needs
// Prometheus and its promtool; nothing of the package is part of a gateway.
package observe
