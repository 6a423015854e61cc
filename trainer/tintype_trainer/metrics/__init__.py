"""What predictions are worth, in numbers: pure functions of arrays, one module for each kind of view."""
