//go:build tools

package tools

import _ "github.com/prometheus/blackbox_exporter"
