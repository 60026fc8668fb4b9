"""Keeps the catalogues in step with what is said: `python -m autograder.translating [--check]`.

Without an option each LANGUAGE/LC_MESSAGES/DOMAIN.po gets what is said now, keeps the translations that still fit, and is
compiled. With --check nothing is written: what has no translation, what no longer is said, and what a translation does with
the holes of its sentence is listed, and is exit code 1.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog

from autograder import course
from autograder.language.chosen import ENGLISH, LANGUAGES
from autograder.language.sentences import HOLE
from autograder.translating.domains import KIT, Domain, domains
from autograder.translating.extract import sentences

_LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)  # a compiled catalogue holds a date, and should be the same each time


def main() -> int:
    """Update the catalogues, or say what is not in step."""
    parser = argparse.ArgumentParser(prog="python -m autograder.translating", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if anything is not in step")
    options = parser.parse_args()
    root = course.find_root(Path.cwd())
    wrong = 0
    for domain in domains(root):
        for language in LANGUAGES:
            if language == ENGLISH:
                continue
            updated = _updated(domain, language, root)
            if options.check:
                for line in _faults(domain, language, updated):
                    wrong += 1
                    print(line)  # noqa: T201  the command's own output
            else:
                _write(domain, language, updated)
                done = sum(bool(message.string) for message in updated if message.id)
                print(f"{domain.name} {language}: {done} of {len(updated)} sentences")  # noqa: T201  the same
    return 1 if wrong else 0


def path_of(domain: Domain, language: str) -> Path:
    """The catalogue that people edit; what is read lies beside it, as .mo."""
    return domain.locale / language / "LC_MESSAGES" / f"{domain.name}.po"


def _updated(domain: Domain, language: str, root: Path) -> Catalog:
    """What is said now, with the translations that there are."""
    old = {str(message.id): str(message.string) for message in _read(path_of(domain, language), language) if message.id}
    now = sentences(domain.sources, KIT.parent if domain.locale.is_relative_to(KIT) else root, domain.name)
    now.locale, now.creation_date, now.revision_date = language, _LONG_AGO, _LONG_AGO
    for message in now:
        if message.id:
            message.string = old.get(str(message.id), "")
    return now


def _read(path: Path, language: str) -> Catalog:
    if not path.is_file():
        return Catalog(language)
    with path.open("rb") as file:
        return pofile.read_po(file, locale=language)


def _write(domain: Domain, language: str, catalog: Catalog) -> None:
    path = path_of(domain, language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:  # without a header, which holds the time and Babel's version: the same each time
        pofile.write_po(file, catalog, width=120, include_lineno=False, omit_header=True)
    with path.with_suffix(".mo").open("wb") as file:
        mofile.write_mo(file, catalog)


def _faults(domain: Domain, language: str, updated: Catalog) -> Iterator[str]:
    path = path_of(domain, language)
    now = _entries(updated)
    for text, said in now.items():
        if not said:
            yield f"{path}: no translation of {text!r}"
        elif sorted(set(HOLE.findall(text))) != sorted(set(HOLE.findall(said))):
            yield f"{path}: other holes in the translation of {text!r}"
    if not path.is_file() or _entries(_read(path, language)) != now:
        yield f"{path}: not what is said now: run python -m autograder.translating"
        return
    with path.with_suffix(".mo").open("rb") as file:
        if _entries(mofile.read_mo(file)) != {text: said for text, said in now.items() if said}:
            yield f"{path.with_suffix('.mo')}: not compiled from {path.name}: run python -m autograder.translating"


def _entries(catalog: Catalog) -> dict[str, str]:
    return {str(message.id): str(message.string) for message in catalog if message.id}


if __name__ == "__main__":
    sys.exit(main())
