"""Which language a learner reads, and its catalogues.

A catalogue is gettext's: LANGUAGE/LC_MESSAGES/DOMAIN.mo in a folder `locale`. The kit's own lies beside this module, a course's
beside its exercises and beside its hidden suites.
"""

from __future__ import annotations

import functools
import os
import sys
import types
from pathlib import Path

from autograder.errors import KitError
from autograder.language.sentences import Part, Sentences

ENGLISH, CHINESE = "en", "zh_CN"
LANGUAGES = (ENGLISH, CHINESE)
VARIABLE = "AUTOGRADER_LANG"
HERE = Path(__file__).parent / "locale"
OF_EXERCISES = Path("exercises/locale")  # in a course
BESIDE = "languages"  # the folder of the same catalogues beside a notebook that is outside a course
_BETWEEN = {CHINESE: ("", "。")}  # what stands between two sentences, and at the end of one


class Language:
    """One of LANGUAGES, with the catalogues of these folders.

    Args:
        name: "en", "zh_CN", or another form of these: "zh", "zh-Hans", "en_GB.UTF-8".
        folders: each holds LANGUAGE/LC_MESSAGES/DOMAIN.mo; one that is missing holds nothing.

    Raises:
        KitError: there is no such language.
    """

    def __init__(self, name: str, folders: tuple[Path, ...] = (HERE,)) -> None:
        self.name, self._folders = known(name), folders
        if self.name != ENGLISH:
            _mofile()  # before a learner's helper can bear the name of what it imports

    @functools.cached_property
    def _sentences(self) -> Sentences:
        """Read once something is to be said: who chooses a language, or the course after it, may say nothing."""
        found: dict[str, str] = {}
        for folder in self._folders:
            for path in sorted((folder / self.name / "LC_MESSAGES").glob("*.mo")):
                found |= catalogue(path)
        return Sentences(found, *_BETWEEN.get(self.name, (" ", ".")))

    def say(self, text: str) -> str:
        """The text in this language; in English where there is no translation."""
        return text if self.name == ENGLISH else self._sentences.say(text)

    def parts(self, text: str) -> list[Part]:
        """The sentences of the text: the pattern of each, and its values."""
        return self._sentences.parts(text)


def known(name: str) -> str:
    """The language of LANGUAGES that a name stands for; KitError for any other."""
    plain = name.partition(".")[0].partition("@")[0].replace("-", "_").lower()
    for language in LANGUAGES:
        if plain == language.lower() or plain.partition("_")[0] == language.partition("_")[0]:
            return language
    raise KitError(f"there is no language {name!r} here: choose one of {', '.join(LANGUAGES)}")


def catalogue(path: Path) -> dict[str, str]:
    """Each message of a compiled catalogue, and its translation."""
    with path.open("rb") as file:
        return {str(message.id): str(message.string) for message in _mofile().read_mo(file) if message.id and message.string}


def _mofile() -> types.ModuleType:
    from babel.messages import mofile  # noqa: PLC0415  every process of the kit imports this module, and English needs none

    return mofile


def _wanted() -> str:
    """What AUTOGRADER_LANG or the locale asks for; English where that is a language that is not here."""
    asked = os.environ.get(VARIABLE, "")
    try:
        return known(asked) if asked else _of_locale()
    except KitError as error:
        os.environ[VARIABLE] = found = _of_locale()  # said once, also in the processes that are started from here
        print(f"{VARIABLE}: {error}; going on in {found}", file=sys.stderr)  # noqa: T201  a typing error there stops nobody
        return found


def _of_locale() -> str:
    """The language of messages in the environment, as other programs read it: Python itself takes the letters' alone over."""
    asked = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), ENGLISH)
    try:
        return known(asked)
    except KitError:
        return ENGLISH


class _Current:
    language: Language | None = None
    folders: tuple[Path, ...] = (HERE,)


def catalogues(root: Path) -> list[Path]:
    """The compiled catalogues of what the exercises of the course at `root` say."""
    return sorted((root / OF_EXERCISES).glob("*/LC_MESSAGES/*.mo"))


def use(name: str = "", root: Path | None = None, beside: Path | None = None) -> Language:
    """Show everything in this language from now on, with the catalogues of the course at `root`, or those `beside` a notebook.

    Raises:
        KitError: there is no such language.
    """
    if root is not None:
        _Current.folders = (HERE, root / OF_EXERCISES, root / "tests/hidden/locale")
    elif beside is not None:
        _Current.folders = (HERE, beside / BESIDE)
    if name:
        os.environ[VARIABLE] = known(name)  # for the processes that are started from here too
    _Current.language = Language(_wanted(), _Current.folders)
    return _Current.language


def current() -> Language:
    """The language in which a learner reads."""
    return _Current.language or use()


def say(text: str) -> str:
    """The text in the learner's language."""
    return current().say(text)


def said(pattern: str, **values: object) -> str:
    """A pattern with its values, in the learner's language."""
    return say(pattern.format(**values))


@functools.cache
def _catalogued(folders: tuple[Path, ...]) -> Language:
    """A language with catalogues, for the patterns in them: they are the same in all."""
    return Language(CHINESE, folders)


def parts(text: str) -> list[Part]:
    """The sentences of an English text: the pattern of each, which is its name in every language, and its values."""
    return _catalogued(_Current.folders).parts(text)
