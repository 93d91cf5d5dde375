package observe

import (
	"bytes"
	"encoding/json"
	"strings"
)

// columns is how wide Grafana's grid is.
const columns = 24

// row is a heading and the panels below it.
type row struct {
	title  string
	panels []panel
}

// panel shows the results of queries.
type panel struct {
	kind          string // stat or timeseries
	title, unit   string
	about         string // what a reader should know to judge it
	width, height int
	stack         bool
	queries       []query
}

// query is an expression, in which @ stands for the matchers of the variables, and the
// name of its results. {{label}} is filled in by Grafana.
type query struct{ expr, legend string }

// object is a JSON object.
type object map[string]any

// Dashboard is deploy/grafana/dashboards/causeway.json: a Grafana dashboard for the
// metrics of gateways. It is made here, rather than kept by hand, so that panels are laid
// out, named and given units in one way.
func Dashboard() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false) // it is read by people as well
	err := e.Encode(object{
		"uid":                  "causeway",
		"title":                "Causeway",
		"description":          "Nodes of a Causeway cluster: clients, the bus between nodes, and the processes.",
		"tags":                 []string{"causeway"},
		"schemaVersion":        39,
		"editable":             true,
		"graphTooltip":         1, // one crosshair in all panels
		"refresh":              "10s",
		"time":                 object{"from": "now-1h", "to": "now"},
		"timezone":             "",
		"links":                []object{},
		"annotations":          object{"list": annotations()},
		"templating":           object{"list": variables()},
		"panels":               layOut(rows),
		"fiscalYearStartMonth": 0,
	})
	return out.Bytes(), err
}

var datasource = object{"type": "prometheus", "uid": "${datasource}"}

// annotations mark in all panels when a node began, or began to stop: most of what looks
// odd is one of the two.
func annotations() []object {
	mark := func(name, colour, expr string) object {
		return object{
			"name": name, "enable": true, "iconColor": colour, "datasource": datasource, "expr": filled(expr), "step": "10s",
			"titleFormat": name, "textFormat": "{{instance}}", "useValueForTime": false,
		}
	}
	return []object{
		mark("start", "green", "time() - process_start_time_seconds{@} < 30"),
		mark("drain", "orange", "gateway_draining{@} == 1"),
	}
}

func variables() []object {
	labels := func(name, label, query string, several bool) object {
		v := object{
			"name": name, "label": label, "type": "query", "datasource": datasource, "refresh": 2, "sort": 1,
			"query": object{"query": query, "refId": name}, "definition": query, "multi": several, "includeAll": several,
		}
		if several {
			v["allValue"] = ".*"
			v["current"] = object{"text": "All", "value": "$__all"}
		}
		return v
	}
	return []object{
		{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "refresh": 1},
		labels("job", "Job", "label_values(gateway_build_info, job)", false),
		labels("instance", "Node", `label_values(gateway_build_info{job="$job"}, instance)`, true),
	}
}

// filled puts the variables' matchers in.
func filled(expr string) string {
	return strings.ReplaceAll(expr, "@", `job="$job",instance=~"$instance"`)
}

// layOut places the panels from left to right and from top to bottom.
func layOut(rows []row) (panels []object) {
	x, y, tallest := 0, 0, 0
	newLine := func() { x, y, tallest = 0, y+tallest, 0 }
	place := func(p object, width, height int) {
		if x+width > columns {
			newLine()
		}
		p["id"] = len(panels) + 1
		p["gridPos"] = object{"x": x, "y": y, "w": width, "h": height}
		panels = append(panels, p)
		x, tallest = x+width, max(tallest, height)
	}
	for _, r := range rows {
		newLine()
		place(object{"type": "row", "title": r.title, "collapsed": false, "panels": []object{}}, columns, 1)
		for _, p := range r.panels {
			place(p.json(), p.width, p.height)
		}
	}
	return panels
}

func (p panel) json() object {
	targets := make([]object, len(p.queries))
	for i, q := range p.queries {
		targets[i] = object{"refId": string(rune('A' + i)), "datasource": datasource, "expr": filled(q.expr), "legendFormat": q.legend, "range": p.kind == "timeseries", "instant": p.kind == "stat"}
	}
	defaults := object{"unit": p.unit, "min": 0, "decimals": nil, "color": object{"mode": "palette-classic"}}
	options := object{}
	switch p.kind {
	case "stat":
		defaults["color"] = object{"mode": "thresholds"}
		defaults["thresholds"] = object{"mode": "absolute", "steps": []object{{"color": "text", "value": nil}}}
		options = object{"colorMode": "value", "graphMode": "area", "textMode": "auto", "reduceOptions": object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}}
		for _, t := range targets { // for the line behind the figure
			t["range"], t["instant"] = true, false
		}
	case "timeseries":
		custom := object{"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": false, "stacking": object{"mode": "none", "group": "A"}}
		if p.stack {
			custom["stacking"], custom["fillOpacity"] = object{"mode": "normal", "group": "A"}, 30
		}
		defaults["custom"] = custom
		options = object{"legend": object{"displayMode": "list", "placement": "bottom", "showLegend": true}, "tooltip": object{"mode": "multi", "sort": "desc"}}
	}
	return object{
		"type": p.kind, "title": p.title, "description": p.about, "datasource": datasource, "targets": targets,
		"fieldConfig": object{"defaults": defaults, "overrides": []object{}}, "options": options,
	}
}
