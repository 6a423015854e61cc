"""The operator: watches ModelVersions, Jobs and Pods, decides, and writes Jobs and status."""
