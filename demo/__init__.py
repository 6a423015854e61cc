"""The demo: a version trained on a real Kubernetes on this machine, from `kubectl apply` to a published best epoch."""
