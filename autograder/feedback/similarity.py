"""Pairs of modules that are more alike than their task makes them: advice for a person, never a score.

A module becomes the sequence of its tokens, without comments, docstrings and layout, and with one word for all names that it may
have chosen itself: those that neither the course has nor stand behind the dot of what is not `self`. Of these sequences
fingerprints are taken by winnowing (Schleimer, Wilkerson, Aiken: Winnowing, SIGMOD 2003), so that every common run of at least
SURE tokens is found. What the stub and the lesson have is left out, and what many hand in counts little: the rarer a fingerprint
is in the class, the more it weighs.

The texts are strangers': they are only ever cut into tokens, so many at most, and never parsed or run.
"""

from __future__ import annotations

import io
import itertools
import keyword
import math
import token
import tokenize
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

RUN, WINDOW = 12, 8  # tokens of a fingerprint; fingerprints of which one is taken
SURE = RUN + WINDOW - 1
LEAST_SHARED = 6  # fingerprints of a pair that is worth a look
LEAST_ALIKE = 0.4  # modules of 03_nn that were written apart reach 0.36, copies of most of one 0.5 and more
MOST_PAIRS = 50
MOST_TOKENS, MOST_LETTERS = 20_000, 1 << 16  # of a module
COMMON, AT_LEAST = 0.1, 8  # a fingerprint that more of the class have, and more than so many, is everybody's
_SILENT = (token.COMMENT, token.NL, token.NEWLINE, token.INDENT, token.DEDENT, token.ENDMARKER, tokenize.ENCODING)
_OWN = "name"


@dataclass(frozen=True)
class Tokens:
    """A module's tokens, as far as they are compared, and the line of each."""

    words: Sequence[str]
    lines: Sequence[int]


@dataclass(frozen=True)
class Pair:
    """Two modules: how alike they are, from 0 to 1, and the numbers of the lines of each that the other has too."""

    first: str
    second: str
    alike: float
    first_lines: frozenset[int]
    second_lines: frozenset[int]


def tokens(text: str, known: frozenset[str] = frozenset()) -> Tokens:
    """The tokens of a module's text; of one that cannot be cut into tokens, those before that place.

    Names that are not `known` become one word.
    """
    words, lines = list[str](), list[int]()
    statement = True  # whether a statement begins here, where a text alone is a docstring
    last = ("", "")  # the two before
    found = tokenize.generate_tokens(io.StringIO(text[:MOST_LETTERS]).readline)
    try:
        for each in itertools.islice(found, MOST_TOKENS):
            if each.type in _SILENT:
                statement = statement or each.type in (token.NEWLINE, token.INDENT, token.DEDENT)
                continue
            if not (each.type == token.STRING and statement):
                words.append(_word(each, known, last))
                lines.append(each.start[0])
            statement, last = False, (last[1], each.string)
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        pass  # what came before it is compared all the same
    return Tokens(words, lines)


def _word(each: tokenize.TokenInfo, known: frozenset[str], last: tuple[str, str]) -> str:
    if each.type == token.NAME:
        belongs = last[1] == "." and last[0] != "self"  # to torch, or to what is made with it
        return each.string if belongs or keyword.iskeyword(each.string) or each.string in known else _OWN
    return "text" if each.type == token.STRING else each.string


def fingerprints(of: Tokens) -> dict[int, list[int]]:
    """The fingerprints that winnowing takes, each with the places where it begins."""
    hashes = [zlib.crc32("\0".join(of.words[at : at + RUN]).encode()) for at in range(len(of.words) - RUN + 1)]
    found, last = defaultdict[int, list[int]](list), -1
    for start in range(max(len(hashes) - WINDOW + 1, min(len(hashes), 1))):
        window = range(start, min(start + WINDOW, len(hashes)))
        at = min(window, key=lambda place: (hashes[place], -place))
        if at != last:
            found[hashes[at]].append(at)
            last = at
    return dict(found)


def pairs(modules: Mapping[str, str], given: Iterable[str]) -> list[Pair]:
    """The pairs of modules to look at, the most alike first; `given` are the texts that all have been given."""
    texts = list(given)
    known = frozenset(
        each.string for text in texts for each in _tokens_of(text) if each.type == token.NAME and len(each.string) > 1
    )
    everybody_s = {print_ for text in texts for print_ in _all(tokens(text, known))}
    cut = {name: tokens(text, known) for name, text in modules.items()}
    prints = {name: {h: at for h, at in fingerprints(each).items() if h not in everybody_s} for name, each in cut.items()}
    who = defaultdict[int, list[str]](list)
    for name, own in prints.items():
        for print_ in own:
            who[print_].append(name)
    most = max(AT_LEAST, COMMON * len(modules))
    weight = {print_: math.log((len(modules) + 1) / len(names)) for print_, names in who.items() if len(names) <= most}
    shared = Counter[tuple[str, str]]()
    for print_ in weight:
        shared.update(itertools.combinations(who[print_], 2))
    found = [_pair(a, b, cut, prints, weight) for (a, b), count in shared.items() if count >= LEAST_SHARED]
    return sorted((pair for pair in found if pair.alike >= LEAST_ALIKE), key=lambda pair: -pair.alike)[:MOST_PAIRS]


def _tokens_of(text: str) -> list[tokenize.TokenInfo]:
    """The tokens of a text of the course's, as far as it can be cut into them."""
    found = list[tokenize.TokenInfo]()
    try:
        found.extend(itertools.islice(tokenize.generate_tokens(io.StringIO(text).readline), MOST_TOKENS))
    except (tokenize.TokenError, SyntaxError):
        return found
    return found


def _all(of: Tokens) -> set[int]:
    """Every fingerprint, so that what is given is found wherever the windows begin."""
    return {zlib.crc32("\0".join(of.words[at : at + RUN]).encode()) for at in range(len(of.words) - RUN + 1)}


def _pair(
    a: str, b: str, cut: Mapping[str, Tokens], prints: Mapping[str, Mapping[int, list[int]]], weight: Mapping[int, float]
) -> Pair:
    common = [print_ for print_ in prints[a] if print_ in prints[b] and print_ in weight]
    whole = min(sum(weight.get(print_, 0.0) for print_ in prints[name]) for name in (a, b))
    alike = sum(weight[print_] for print_ in common) / whole if whole else 0.0
    lines = [frozenset(cut[name].lines[at + step] for print_ in common for at in prints[name][print_] for step in range(RUN))
             for name in (a, b)]  # fmt: skip
    return Pair(a, b, min(alike, 1.0), *lines)
