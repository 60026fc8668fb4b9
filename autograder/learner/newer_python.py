"""Tells code that is right in a newer Python from code that is wrong in any."""

from __future__ import annotations

import re
import sys

Version = tuple[int, int]

_TYPE_PARAMETERS = re.compile(r"\s*(?:async\s+def|def|class)\s+\w+\s*\[(.*?)(?:\]\s*[(:]|\s*$)")
_TYPE = re.compile(r"\s*type\s+\w+\s*(\[.*?\])?\s*=")
_TEMPLATE = re.compile(r"(?<!\w)(?:[tT][rR]?|[rR][tT])(?:'|\")")
_QUOTES_AGAIN = re.compile(r"(?<!\w)(?:[fF][rR]?|[rR][fF])(['\"])(?:(?!\1).)*\{[^{}]*\1")
_NAMES: dict[Version, str] = {
    (3, 12): "itertools.batched collections.abc.Buffer PosixPath.walk typing.override typing.TypeAliasType math.sumprod "
             "random.binomialvariate calendar.Month",
    (3, 13): "typing.TypeIs typing.ReadOnly typing.NoDefault warnings.deprecated copy.replace pathlib.UnsupportedOperation "
             "math.fma dbm.sqlite3",
    (3, 14): "annotationlib string.templatelib compression compression.zstd concurrent.interpreters",
}  # fmt: skip


def needed(error: BaseException) -> str:
    """The version, as "Python 3.12", that has what the exception comes from, where the one that runs here has not, or ""."""
    version: Version | None = None
    if isinstance(error, SyntaxError):
        version = _of_syntax(error.msg, error.text or "")
    elif isinstance(error, ImportError):
        version = _of_name(_imported(error))
    elif isinstance(error, AttributeError):
        version = _of_name(f"{getattr(error.obj, '__name__', type(error.obj).__name__)}.{error.name}")
    return f"Python {version[0]}.{version[1]}" if version and version > sys.version_info[:2] else ""


def _of_syntax(message: str, text: str) -> Version | None:
    if parameters := _TYPE_PARAMETERS.match(text):
        return (3, 13) if "=" in parameters[1] else (3, 12)
    if found := _TYPE.match(text):
        return (3, 13) if found[1] and "=" in found[1] else (3, 12)
    if message.startswith("f-string") and ("cannot include" in message or _QUOTES_AGAIN.search(text)):
        return (3, 12)
    if "multiple exception types must be parenthesized" in message:  # `except ValueError, e:` is Python 2's, and wrong in any
        return (3, 14) if re.search(r",\s*[A-Z]\w*\s*:", text) else None
    return (3, 14) if _TEMPLATE.search(text) else None


def _imported(error: ImportError) -> str:
    missing = re.match(r"cannot import name '(\w+)'", str(error))
    return f"{error.name}.{missing[1]}" if missing else str(error.name)


def _of_name(name: str) -> Version | None:
    return next((version for version, names in _NAMES.items() if name in names.split()), None)
