"""What a run publishes, and how."""
