"""What a network has learned: the evaluation of a split, as evaluation.json and status have it."""
