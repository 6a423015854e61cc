"""Two published versions beside each other, on the same validation examples."""
