"""Raises errors whose texts are escapes, markup, pages or megabytes."""


def row_means(t):
    raise RuntimeError(
        "\x1b[2J\x1b]0;passed\x07 [bold]100[/bold] [/red] <script>alert(1)</script> \ud800 \u202e" + "x" * (1 << 20)
    )


def slope(x):
    raise type("\x1b[31m<b>passed</b>" + "y" * 5000, (BaseException,), {})("\r\n\0passed")
