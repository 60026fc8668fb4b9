"""Exceptions that say whose fault it is not: the submission's."""


class KitError(Exception):
    """The command cannot do its work; the text is one line that names the place and the next step."""


class SandboxError(Exception):
    """The sandbox failed: a fault of the kit or of the machine, never of the submission."""
