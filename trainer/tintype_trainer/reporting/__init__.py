"""What a run tells while it runs and at its end: to people, to the API server and to Prometheus."""
