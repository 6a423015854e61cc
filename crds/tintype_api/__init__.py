"""What a ModelVersion is: its spec and status, the catalogue of architectures, and what is generated from them."""
