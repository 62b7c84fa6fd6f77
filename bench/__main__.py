"""`make bench`: prints the README's tables."""

from __future__ import annotations

from bench import (
    data_path,
    firewall_rules,
    fleet_size,
    pod_security,
    preflight,
    rule_cost,
    scanners,
)

if __name__ == "__main__":
    for title, table in (
        ("Fleet size", fleet_size.table),
        ("Preflight", preflight.table),
        ("Firewall rules", firewall_rules.table),
        ("Data path", data_path.table),
        ("Manifest scanners", scanners.table),
        ("Policy pack", rule_cost.table),
        ("Pod Security", pod_security.table),
    ):
        print(f"## {title}\n\n{table()}\n", flush=True)
