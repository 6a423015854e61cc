"""What a user can cause, said in one plain sentence."""


class DevclusterError(Exception):
    """Something outside this package refused or is missing; the message is fit to be shown as it is."""
