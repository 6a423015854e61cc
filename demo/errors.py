"""What ends the demo before its end, in one plain sentence."""


class DemoError(Exception):
    """The message is fit to be shown as it is."""
