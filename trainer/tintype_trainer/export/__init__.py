"""ONNX: writing it, checking it against the trained network, and running it."""
