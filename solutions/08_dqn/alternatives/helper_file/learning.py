"""The loop of training, which does not know what it trains."""

from collections.abc import Callable, Iterator


def steps(play: Callable[[int], Iterator[tuple]], episodes: int) -> Iterator[tuple]:
    """All transitions of all episodes."""
    for episode in range(episodes):
        yield from play(episode)


def mixed(old, new, share):
    """A little of the new."""
    return old + (new - old) * share
