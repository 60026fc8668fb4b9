"""What a module asks for while it is imported that is not to be had in grading, and where it belongs instead."""

from __future__ import annotations

import re
import socket
import traceback
import urllib.error
from pathlib import Path

from autograder.submission.choosing import SMALL
from autograder.text import clean

MAIN = 'if __name__ == "__main__":'
_NO_GPU = re.compile(r"not compiled with CUDA|NVIDIA driver|No CUDA GPUs|deserialize object on a CUDA device")
_NO_DATA = re.compile(r"Dataset not found or corrupted|Error downloading|download=True")
_NETWORK = ("/socket.py", "/http/client.py", "/urllib/request.py", "/urllib3/", "/requests/")


def asked_for(error: BaseException, name: str, verb: str, place: str) -> str:
    """A sentence with cause and cure, or "" where the exception has another cause.

    Args:
        error: what was raised.
        name: the file.
        verb: what was being done with it: "imported" or "run".
        place: where in the learner's files, or "".
    """
    text = str(error)
    if _NO_GPU.search(text):
        return (f"{name} asks for a GPU while it is being {verb}{place}: there is none in grading. Ask "
                "`torch.cuda.is_available()` first, and load files with `map_location=\"cpu\"`.")  # fmt: skip
    if _is_of_network(error):
        return (f"{name} asks for the network while it is being {verb}{place}: there is none in grading. Put what downloads "
                f"below `{MAIN}`.")  # fmt: skip
    if _NO_DATA.search(text):
        return (f"{name} asks for a data set that is not there while it is being {verb}{place}. Put what uses it "
                f"below `{MAIN}`.")  # fmt: skip
    if isinstance(error, FileNotFoundError) and place and error.filename:
        file = clean(Path(str(error.filename)).name, 60)
        return (f"{name} opens a file that is not there while it is being {verb}{place}: hand in {file} too, "
                f"with at most {SMALL >> 20} MB, or open it below `{MAIN}`.")  # fmt: skip
    if isinstance(error, AssertionError) and place:
        return (f"{name} fails at an assert of its own while it is being {verb}{place}: put your own tests "
                f"below `{MAIN}`.")  # fmt: skip
    return ""


def _is_of_network(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, urllib.error.URLError | socket.gaierror | ConnectionError):
            return True
        seen = seen.__cause__ or seen.__context__
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    return isinstance(error, OSError) and any(part in file for file in files for part in _NETWORK)
