"""Alerts, a dashboard and the prober."""
