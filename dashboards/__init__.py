"""The Grafana dashboards, as Python; `tools/generate.py` writes their JSON into the chart."""
