"""Writes wherever it may, and makes folders that resist being removed."""

import os
import tempfile

for folder in (
    "/tmp",
    "/var/tmp",
    "/dev/shm",
    "/",
    os.path.expanduser("~"),
    "..",
    "../..",
    os.getcwd(),
    tempfile.gettempdir(),
):
    try:
        open(os.path.join(folder, "autograder-attack-left"), "w").write("left")
        os.mkdir(os.path.join(folder, "autograder-attack-folder"), 0o300)
        open(os.path.join(folder, "autograder-attack-folder", "in"), "w").write("left")
    except OSError:
        pass
for _ in range(1500):
    try:
        os.mkdir("autograder-attack-deep")
        os.chdir("autograder-attack-deep")
    except OSError:
        break
