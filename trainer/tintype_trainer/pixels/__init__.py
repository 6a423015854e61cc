"""From pictures in storage to the batches that a network sees."""
