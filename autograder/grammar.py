"""A small language for topics that learn from text: drawn from a seed, with a perplexity that is known.

A line is a sentence such as "the old farmers near the barn feed one cow today". Lines keep to a scene (farm, sea, kitchen,
town) and mostly stay with the scene of the line before; a verb agrees with its subject, also where a place stands between
them. A line has one derivation only, so that the logarithms of its choices add up to that of its probability.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

STAYS = 0.9  # how often a line has the scene of the line before

T = TypeVar("T")


@dataclass(frozen=True)
class Scene:
    """What a line of one scene is about; nouns and verbs (with an object) as they stand without an s."""

    nouns: tuple[str, ...]
    verbs: tuple[str, ...]
    places: tuple[str, ...]


@dataclass(frozen=True)
class Text:
    """Lines without their ends, and e to the mean of -log p(word | all words before it), line ends counted as words."""

    lines: list[str]
    perplexity: float


def _scene(nouns: str, verbs: str, places: str) -> Scene:
    return Scene(tuple(nouns.split()), tuple(verbs.split()), tuple(places.split()))


SCENES = (
    _scene("farmer cow horse goat hen dog lamb duck pig cat",
           "feed milk herd brush wash", "barn field meadow yard stable"),
    _scene("sailor whale gull crab boat seal captain shark ship diver",
           "follow catch steer greet row", "harbour bay reef beach island"),
    _scene("cook onion apple pot spoon cake egg baker pan dish",
           "stir slice taste boil cool", "kitchen oven pantry table cellar"),
    _scene("driver bus tram clerk nurse guard singer taxi judge cart",
           "call meet stop pass find", "station square street market bridge"),
)  # fmt: skip
DETERMINERS = (("the", "this", "every", "one"), ("the", "some", "many", "two"))  # of one, and of several
ADJECTIVES = ("old", "small", "quiet", "red", "young", "tall", "happy", "cold", "new", "strange", "heavy", "bright", "green",
              "clean", "tired", "round")  # fmt: skip
REST = ("wait", "sleep", "move", "rest", "turn", "fall", "appear", "shine")  # verbs without an object
PREPOSITIONS = ("in", "near", "behind", "beside", "above")
ENDINGS = ("today", "again", "slowly", "now", "often", "early", "together", "alone")


def vocabulary() -> list[str]:
    """All words, each once, in the order of the alphabet; line ends are not among them."""
    words = {*itertools.chain(*DETERMINERS), *ADJECTIVES, *PREPOSITIONS, *ENDINGS}
    for verbs in (REST, *(scene.verbs for scene in SCENES)):
        words |= {*verbs, *map(_with_s, verbs)}
    for scene in SCENES:
        words |= {*scene.nouns, *map(_with_s, scene.nouns), *scene.places}
    return sorted(words)


def draw(tokens: int, seed: int) -> Text:
    """Lines of together at least `tokens` words, line ends counted: the same for the same seed."""
    writer, lines, written = _Writer(Random(seed)), list[str](), 0  # noqa: S311  texts are no secrets
    scene = writer.one_of(SCENES, falling=False)
    while written < tokens or not lines:
        if not writer.chance(STAYS):
            scene = writer.one_of([other for other in SCENES if other is not scene], falling=False)
        words = writer.sentence(scene)
        lines.append(" ".join(words))
        written += len(words) + 1
    return Text(lines, math.exp(-writer.log_probability / written))


def _with_s(word: str) -> str:
    """The plural of a noun, or a verb's form for one."""
    return f"{word}es" if word.endswith(("s", "h")) else f"{word}s"


@dataclass
class _Writer:
    random: Random
    log_probability: float = field(default=0.0)  # of all choices so far

    def chance(self, probability: float) -> bool:
        """Yes or no."""
        yes = self.random.random() < probability
        self.log_probability += math.log(probability if yes else 1 - probability)
        return yes

    def one_of(self, choices: Sequence[T], *, falling: bool = True) -> T:
        """One of these; with `falling` the k-th one 1/k times as often as the first."""
        weights = [1 / (k + 1) if falling else 1.0 for k in range(len(choices))]
        (number,) = self.random.choices(range(len(choices)), weights)
        self.log_probability += math.log(weights[number] / sum(weights))
        return choices[number]

    def sentence(self, scene: Scene) -> list[str]:
        several = self.chance(0.5)
        words = self.noun(scene, several=several)
        if self.chance(0.25):
            words += self.place(scene)
        if self.chance(0.6):
            words += [self.verb(scene.verbs, several=several), *self.noun(scene, several=self.chance(0.4))]
        else:
            words += [self.verb(REST, several=several)]
        if self.chance(0.4):
            words += self.place(scene)
        return words + ([self.one_of(ENDINGS)] if self.chance(0.35) else [])

    def noun(self, scene: Scene, *, several: bool) -> list[str]:
        words = [self.one_of(DETERMINERS[several])]
        words += [self.one_of(ADJECTIVES)] if self.chance(0.35) else []
        noun = self.one_of(scene.nouns)
        return [*words, _with_s(noun) if several else noun]

    def verb(self, verbs: Sequence[str], *, several: bool) -> str:
        verb = self.one_of(verbs)
        return verb if several else _with_s(verb)

    def place(self, scene: Scene) -> list[str]:
        return [self.one_of(PREPOSITIONS), "the", self.one_of(scene.places)]
