"""Solar cells, functional and defective: the data set and the weights of the example `pv-cells.yaml`."""
