"""From examples to a published network: data, training, evaluation, publishing, and the `tintype` command."""
