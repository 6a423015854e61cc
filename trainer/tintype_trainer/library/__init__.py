"""A page of all models and versions below a folder or prefix."""
