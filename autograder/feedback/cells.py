"""Cells of a table that a spreadsheet program may open."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = tuple("=+-@＝＋－＠")  # noqa: RUF001  spreadsheets take the wide ones too


def text_cell(text: str) -> str:
    """The text with an apostrophe before it if a spreadsheet would take it for a formula."""
    text = text.replace("\r", "\n")  # which the csv module of Python 3.11 leaves bare
    return f"'{text}" if text.lstrip()[:1] in _FORMULA or text.startswith(("\t", "\n")) else text


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """The rows as CSV; with letters beyond ASCII it begins with a byte order mark, for Excel takes another code page without."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    text = buffer.getvalue()
    return text if text.isascii() else f"\ufeff{text}"
