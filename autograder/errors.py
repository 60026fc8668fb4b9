"""The one exception that a command turns into a one-line reason and exit code 2."""


class KitError(Exception):
    """The command cannot do its work; the text is one line that names the place and the next step."""
