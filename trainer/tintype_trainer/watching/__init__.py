"""A version in a cluster, watched from outside by kubectl."""
