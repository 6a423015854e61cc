"""What is done with published versions: finding, applying, evaluating and promoting them."""
