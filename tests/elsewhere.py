"""Proves the student kit where nothing of this repository is: `python tests/elsewhere.py`.

It takes the kit as one zip file into a new folder, gives the commands of its README in a new environment, which pip fills as it
is set up on this machine, and tests the kit with its own smoke test and in its notebooks. It takes as long as pip takes.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "SSL_CERT_FILE")
ACTIVATE = ". .venv/bin/activate\n"
WHERE = "python -c 'import autograder; print(autograder.__file__)'"
NOTEBOOK = "jupyter nbconvert --to notebook --execute --allow-errors --stdout notebooks/{0}/{0}.ipynb"


def main() -> int:
    """Run all of it; the exit code is 0 if the kit works."""
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run([sys.executable, "-m", "autograder", "release", f"{folder}/kit", "--zip"], cwd=ROOT, check=True)
        subprocess.run([sys.executable, "-m", "zipfile", "-e", "kit.zip", "."], cwd=folder, check=True)
        kit = Path(folder, "kit")
        set_up, check = re.findall(r"```sh\n(.*?)```", (kit / "README.md").read_text(encoding="utf-8"), re.DOTALL)
        first = min(path.name for path in (kit / "exercises").iterdir())
        codes = {"set up": (in_kit(kit, set_up), 0), "smoke test": (in_kit(kit, ACTIVATE + "python smoke.py"), 0),
                 "check": (in_kit(kit, ACTIVATE + check), 1), "package": (in_kit(kit, ACTIVATE + WHERE), 0),
                 "hint": (in_kit(kit, f"{ACTIVATE}autograder hint {first} from_rows"), 0),
                 "notebook": (in_kit(kit, f"{ACTIVATE}{NOTEBOOK.format(first)} | grep -c 'not done yet'"), 0),
                 "grade": (in_kit(kit, f"{ACTIVATE}autograder grade . --topic {first} --out out"), 2)}  # fmt: skip
    wrong = [name for name, (code, wanted) in codes.items() if code != wanted]
    print(f"not as it should be: {', '.join(wrong)}" if wrong else "The kit works in a new environment.")
    return 1 if wrong or made.returncode else 0


def in_kit(kit: Path, command: str) -> int:
    """Give a command in the kit's folder, without this process's own environment; its exit code."""
    environment = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("PIP_")}
    here = str(Path(sys.executable).parent)
    environment["PATH"] = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if part != here)
    print(f"$ {command.strip()}", flush=True)
    started = time.monotonic()
    done = subprocess.run(["bash", "-e", "-c", command], cwd=kit, env=environment, check=False)
    print(f"exit code {done.returncode}, {time.monotonic() - started:.0f} s\n", flush=True)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
