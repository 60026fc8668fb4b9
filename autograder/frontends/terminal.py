"""A terminal whose screen is redrawn in place and whose keys come one by one; everything is as before once it is closed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Iterator, Sequence

OTHER_SCREEN, OWN_SCREEN = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
HOME, TO_END_OF_LINE, TO_END = "\x1b[H", "\x1b[K", "\x1b[J"


class Terminal:
    """The terminal of standard input and output. Use `opened`."""

    def __init__(self) -> None:
        self._drawn: list[str] = []
        self.changed, self._ring = os.pipe()  # readable when the window has another size, or the program comes back
        os.set_blocking(self._ring, False)

    def begin(self, *_: object) -> None:
        """Take the terminal over."""
        tty.setcbreak(sys.stdin.fileno())
        self._write(OTHER_SCREEN)
        self.ring()

    def ring(self, *_: object) -> None:
        """Have `changed` noticed; what it is about is drawn anew."""
        self._drawn = []
        with contextlib.suppress(BlockingIOError):
            os.write(self._ring, b"!")

    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        os.set_blocking(self.changed, False)
        with contextlib.suppress(BlockingIOError):
            os.read(self.changed, 1 << 10)
        return shutil.get_terminal_size()

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines, and only these, if they are not there yet."""
        if lines != self._drawn:
            self._drawn = list(lines)
            self._write(HOME + "\r\n".join(line + TO_END_OF_LINE for line in lines) + TO_END)

    def typed(self) -> str:
        """The letters that were typed; no arrow and no other key that sends several. "q" too where the terminal is gone."""
        typed = os.read(sys.stdin.fileno(), 1 << 10)
        return "" if typed.startswith(b"\x1b") else typed.decode("utf-8", "replace") or "q"

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


@contextlib.contextmanager
def opened() -> Iterator[Terminal | None]:
    """The terminal for the length of a block, or None where standard input and output are not both one."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        yield None
        return
    terminal, before = Terminal(), termios.tcgetattr(sys.stdin.fileno())
    handled = {number: signal.signal(number, act) for number, act in
               ((signal.SIGWINCH, terminal.ring), (signal.SIGCONT, terminal.begin))}  # fmt: skip
    terminal.begin()
    try:
        yield terminal
    finally:
        for number, act in handled.items():
            signal.signal(number, act)
        sys.stdout.write(OWN_SCREEN)
        sys.stdout.flush()
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, before)
