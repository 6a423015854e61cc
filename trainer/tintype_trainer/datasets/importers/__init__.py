"""Other formats of data sets on this machine, turned into Studio JSON lines: one module for each."""
