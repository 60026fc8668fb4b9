"""The code of a notebook as one module: cells in order, magics and shell lines left out."""

from __future__ import annotations

import json


def module_of_notebook(content: bytes) -> str:
    """Source text of the notebook's code cells; ValueError, with a reason, if it is not a notebook."""
    try:
        document = json.loads(content.decode("utf-8"))
        cells = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
        texts = ["".join(cell["source"]) for cell in cells]
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"it is not JSON ({type(error).__name__})") from None
    except (KeyError, TypeError):
        raise ValueError("it has no list of cells") from None
    return "\n\n".join(f"# cell {number}\n{_without_magics(text)}" for number, text in enumerate(texts, 1)) + "\n"


def _without_magics(text: str) -> str:
    if text.lstrip().startswith("%%"):
        return "\n".join(f"# {line}" for line in text.splitlines())
    return "\n".join(
        f"{line[: len(line) - len(line.lstrip())]}pass  # {line.lstrip()}"
        if line.lstrip().startswith(("%", "!", "?"))
        else line
        for line in text.splitlines()
    )
