"""Pictures of the dashboards without Grafana: from their JSON and Prometheus' answers."""
