"""Several processes, one a GPU, that train one network in step with each other."""
