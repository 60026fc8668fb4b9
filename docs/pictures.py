"""Makes the README's pictures from real output: `python docs/pictures.py`. The screenshot needs Chromium and the extra dev."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parents[1]
HERE = ROOT / "docs/_static"
WIDTH = 100
# rich's own form asks another server for a font
FORM = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>autograder demo: a class of eight in a table, and one submission's tasks with what is wrong with each</title>
<style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px;
line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main() -> None:
    """Grade the samples, then draw what the terminal shows and a student's page."""
    environment = {**os.environ, "COLUMNS": str(WIDTH), "FORCE_COLOR": "1", "AUTOGRADER_LANG": "en"}
    command = [sys.executable, "-m", "autograder", "demo"]
    said = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"), force_terminal=True)  # noqa: PTH123, SIM115
    console.print(Text.from_ansi(said))
    picture = console.export_svg(title="autograder demo", theme=MONOKAI, code_format=FORM, unique_id="run")
    (HERE / "run.svg").write_text(picture, encoding="utf-8")
    screenshot(ROOT / "out/demo/students/chen.html", HERE / "page.png")


def screenshot(page: Path, picture: Path) -> None:
    """The top of a page, as Chromium shows it."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  only this needs it

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        shown = browser.new_page(viewport={"width": 1000, "height": 1000})
        shown.goto(page.as_uri())
        shown.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    main()
