"""Plain `pytest` in a clone runs the kit's own tests: who wanted to check an exercise is told how."""

from importlib.util import find_spec

import pytest

NEEDED = ("hypothesis", "psutil", "xdist")


def pytest_configure(config):
    """One line in place of a traceback, where what the kit's own tests need is not installed."""
    if config.args_source is config.ArgsSource.TESTPATHS and not all(map(find_spec, NEEDED)):
        instead = "`pytest exercises/01_tensors` checks a topic, and `autograder check` shows all of them"
        raise pytest.UsageError(f"these are the kit's own tests, which need `pip install -e '.[dev]'`; {instead}")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With `-n`, what the tests of a file share is made once, not once for each worker."""
    if config.getvalue("dist") != "load":  # asked for otherwise
        return None
    from shared_fixtures import OneWorkerAFile  # noqa: PLC0415  it imports xdist, which may be missing

    return OneWorkerAFile(config, log)
