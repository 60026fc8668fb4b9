"""The formgrader, a feedback page and a student's notebook in JupyterLab, clicked through in Chromium.

Screenshots are left in the test's temporary folder, or in $AUTOGRADER_SCREENSHOTS.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.system
TOKEN = "a-token-of-this-test"
SECONDS = 300  # more than any step takes beside all other tests


@pytest.fixture(scope="module")
def lab(school, released, tmp_path_factory):
    """JupyterLab with nbgrader's extensions in a course that two students have handed in for, and one student's folder."""
    home = tmp_path_factory.mktemp("lab")
    folder = Path(shutil.copytree(released.folder, home / "nb"))
    school.hand_in(folder, "full", released.source)
    half = school.edited(released.source, slope="def slope(x):\n    return x")
    school.hand_in(folder, "half", half)
    shutil.copytree(folder / "release/01_mini", folder / "homework/01_mini")
    (folder / "homework/01_mini/01_mini.ipynb").write_text(json.dumps(half))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {name: str(home / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-W", "ignore", "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
               f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}",
               f"--IdentityProvider.token={TOKEN}", "--LabApp.news_url=None", "--Exchange.root=exchange"]  # fmt: skip
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env={**os.environ, **places, "PATH": path})
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/api?token={TOKEN}", server, home / "log")
        yield SimpleNamespace(folder=folder, address=address)
    finally:
        server.terminate()
        server.wait(SECONDS)


def wait_for(address, server, log):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(log.read_text())


@pytest.fixture
def page(browser, lab, tmp_path):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(SECONDS * 1000)
    expect.set_options(timeout=SECONDS * 1000)
    shots = Path(os.environ.get("AUTOGRADER_SCREENSHOTS", tmp_path))
    page.shot = lambda name: page.screenshot(path=shots / f"{name}.png")
    page.goto(f"{lab.address}/formgrader?token={TOKEN}")
    yield page
    page.close()


def test_an_instructor_grades_in_the_formgrader_and_makes_a_feedback_page(school, lab, page):
    page.locator("tr", has_text="01_mini").get_by_role("link", name="2", exact=True).click()
    for student in ("full", "half"):
        page.locator("tr", has_text=student).locator("td.autograde a").click()
        expect(page.locator(".modal.in")).to_contain_text("Successfully")
        expect(page.locator(".modal.in .modal-dialog")).to_have_css("transform", re.compile(r"none|matrix\(1, 0, 0, 1, 0, 0\)"))
        page.shot(f"formgrader-autograded-{student}")
        page.locator(".modal.in").get_by_role("button", name="OK").click()
        expect(page.locator(".modal.in")).to_have_count(0)
    assert school.scores(lab.folder)["half"] == {"row_means": 3.0, "slope": 0.0, "Scale": 1.0}

    page.get_by_role("link", name="Manual Grading").click()
    page.get_by_role("link", name="01_mini").click()
    page.get_by_role("link", name="01_mini").last.click()
    expect(page.locator("tr", has_text="6 / 6")).to_have_count(1)
    page.shot("formgrader-scores")
    page.locator("tr", has_text=re.compile("4 / 6")).locator("a:visible").last.click()
    feedback = page.get_by_text("Your result is what comes out of code that forgets the factor.")
    feedback.scroll_into_view_if_needed()
    expect(page.get_by_text("slope: failed, 0/2 points")).to_be_visible()
    page.shot("formgrader-submission")
    box = page.locator(".nbgrader_cell", has_text="test_slope").locator("input.score")
    box.fill("1.5")
    with page.expect_response(lambda answer: "/api/grade/" in answer.url and answer.request.method == "PUT"):
        box.press("Tab")
    assert school.scores(lab.folder, kind="manual")["half"]["slope"] == 1.5

    page.goto(f"{lab.address}/formgrader/manage_assignments")
    page.locator("tr", has_text="01_mini").locator("td.generate-feedback a").click()
    expect(page.locator(".modal.in")).to_contain_text("Successfully")
    page.goto((lab.folder / "feedback/half/01_mini/01_mini.html").as_uri())
    expect(page.get_by_text("01_mini (Score: 5.5 / 6.0)")).to_be_visible()
    page.get_by_text("Hint: The derivative of x squared.").scroll_into_view_if_needed()
    page.shot("feedback-page")


def test_a_student_sees_the_public_checks_in_jupyterlab(lab, page):
    page.goto(f"{lab.address}/lab/tree/homework/01_mini/01_mini.ipynb?reset")
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    expect(page.get_by_text("row_means: 2 of 2 public checks pass")).to_be_visible()
    table = page.locator(".jp-OutputArea-output", has_text="slope: 0 of 1 public checks pass")
    expect(table).to_contain_text("It gives twice x.")
    table.scroll_into_view_if_needed()
    table.get_by_text("Hint", exact=True).click()
    expect(table.get_by_text("The derivative of x squared.")).to_be_visible()
    page.shot("notebook-checks")
    page.get_by_text("Validate", exact=True).click()
    expect(page.locator(".jp-Dialog")).to_contain_text("slope: 0 of 1 public checks pass")
    page.shot("notebook-validated")
