"""The training loop, and the options of training."""
