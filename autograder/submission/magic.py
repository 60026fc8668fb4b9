"""What a file is, as its first bytes say, whatever its name says."""

from __future__ import annotations

_BEGINNINGS = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"%PDF-", "PDF"),
    (b"\x89PNG\r\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"{\\rtf", "RTF"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Word"),
)
_HEIC = (b"ftypheic", b"ftypheix", b"ftypmif1")
_TAR_AT = 257  # where a tar archive says that it is one


def kind_of(content: bytes) -> str:
    """The kind of file, by name, or "" for a text or anything else."""
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning):
            return kind
    if content[4:12] in _HEIC:
        return "HEIC"
    if content[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return "tar"
    text = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return "HTML" if text.startswith((b"<!doctype html", b"<html")) else ""
