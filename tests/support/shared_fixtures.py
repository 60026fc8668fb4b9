"""How pytest-xdist spreads the kit's own tests: what a file makes once for all its tests is made by one worker."""

import functools
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling


class OneWorkerAFile(LoadScopeScheduling):
    """The tests of a file with a fixture that they share go to one worker, each other one to whoever is free.

    (xdist's `--dist loadgroup` would say so with marks; with pytest 9.2 and xdist 3.8 it does not see them.)
    """

    def _split_scope(self, nodeid):  # xdist's own name for what a scheduler of one's own has to say
        return scope(self.config.rootpath, nodeid)


def scope(root, nodeid):
    """What the test has to stay together with: its file, or nothing but itself."""
    file, _, _ = nodeid.partition("::")
    return file if shares(root / file) else nodeid


@functools.cache
def shares(path: Path):
    """Whether a file has a fixture of which its tests share one."""
    return '@pytest.fixture(scope="module"' in path.read_text(encoding="utf-8")
