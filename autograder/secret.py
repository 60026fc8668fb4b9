"""The secret of a grading, from which all that is random in its checks follows.

It is kept with the instructor, and who does not have it can tell no hidden input from any other: each thing that is drawn
has a key of its own, the keyed BLAKE2 digest of its names. A key that a submission gets to see, such as the seed that
torch's generator has at a request, leads to no other and not back to the secret.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from autograder.errors import KitError
from autograder.files import write_atomically

BYTES = 32


def drawn() -> bytes:
    """A secret that nobody can guess."""
    return secrets.token_bytes(BYTES)


def of_seed(seed: int) -> bytes:
    """The secret that stands for a number, for tests and for gradings that are to be repeated elsewhere.

    It is as easily guessed as the number.
    """
    return derived(b"", "seed", str(seed))


def derived(key: bytes, *names: str) -> bytes:
    """The key for what these names say, of at most 64 bytes, the same in every process."""
    digest = hashlib.blake2b(digest_size=BYTES, key=key)
    for name in names:
        text = name.encode()
        digest.update(len(text).to_bytes(8, "big") + text)
    return digest.digest()


def seed_from(key: bytes, *names: str) -> int:
    """A seed for one of torch's generators, 0 to 2**63 - 1."""
    return int.from_bytes(derived(key, *names)[:8], "big") >> 1


def read(path: Path) -> bytes:
    """The secret in a file that `write` made; KitError if there is none."""
    try:
        found = bytes.fromhex(path.read_text(encoding="ascii"))
    except OSError as error:
        raise KitError(f"{path}: the secret of the hidden inputs cannot be read ({error.strerror})") from None
    except ValueError:
        found = b""
    if len(found) != BYTES:
        raise KitError(f"{path}: not a secret that this kit wrote; remove it to draw another, with other hidden inputs")
    return found


def write(path: Path, secret: bytes) -> None:
    """Keep a secret in a file that only its owner can read."""
    write_atomically(path, secret.hex() + "\n", mode=0o600)
