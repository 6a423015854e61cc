"""From a data set of any format to the frozen list of examples that a version learns from."""
