"""The commands of `tintype`, one module each; each is imported when it is called."""
