"""The pages in Chromium: nothing is said on the console, nothing needs a scroll bar, axe-core finds nothing, the controls work.

Screenshots are left in $AUTOGRADER_SCREENSHOTS, if that is set.
"""

import os
from pathlib import Path

import made_up
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from autograder.course import load
from autograder.feedback import pages
from autograder.feedback.class_view import Around, topic_line
from autograder.results import Person

pytestmark = pytest.mark.system
SMALL = 30  # submissions: of every kind some


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Pages of a small class, of a good and a weak student, and the class's page of 1,000."""
    out, topic = tmp_path_factory.mktemp("site"), load(Path(__file__).parents[3]).topic("03_nn")
    people = [Person("999999", "Ada Absent", "ada@example.edu", "A")]
    lines = [topic_line(name, link, made_up.reports(topic, 20), zero_unreadable=False) for name, link in
             (("03_nn", ""), ("04", "04/index.html"))]  # fmt: skip
    small = [*made_up.reports(topic, SMALL), made_up.report(topic, "good", 1.0), made_up.report(topic, "weak", 0.2, late_days=1)]
    pages.write(out, "03_nn", small, Around(people, topics=lines), topic)
    pages.write_index(out / "many", "03_nn", made_up.reports(topic, 1000), Around(people))
    return out


@pytest.fixture
def opened(browser, site):
    said = []

    def open_(name, width=1280, scheme="light"):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((site / name).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)
        if folder := os.environ.get("AUTOGRADER_SCREENSHOTS"):
            page.screenshot(path=f"{folder}/{name.replace('/', '_')}_{width}_{scheme}.png", full_page=True)
        return page

    yield open_
    assert said == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
@pytest.mark.parametrize("name", ["index.html", "pages/weak.html", "students/good.html"])
def test_a_page_has_nothing_that_axe_forbids(opened, name, width, scheme):
    page = opened(name, width, scheme)
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    page.close()


def test_a_long_name_breaks_no_page(opened, site):
    long = next(path for path in (site / "pages").iterdir() if len(path.stem) > 150)
    opened(f"pages/{long.name}", 400).close()


def test_a_class_of_a_thousand_is_searched_filtered_and_sorted_with_the_keyboard(opened):
    opened("many/index.html", 400).close()
    page = opened("many/index.html", 1280, "dark")
    rows, shown = page.locator("#class tbody tr"), page.locator("#class tbody tr:not([hidden])")
    assert rows.count() == shown.count() == 1000
    search = page.get_by_label("search for")
    search.focus()
    page.keyboard.type("student0123")
    expect(shown).to_have_count(1)
    assert page.locator("output").inner_text() == "1 / 1000"
    search.fill("")
    page.locator("select[name=status]").select_option("unreadable")
    assert {*shown.locator("td:nth-child(3)").all_inner_texts()} == {"–/20"}
    page.locator("select[name=status]").select_option("")
    page.locator("#class th button", has_text="points").focus()
    page.keyboard.press("Enter")
    first = shown.locator("td:nth-child(3)").all_inner_texts()
    page.keyboard.press("Enter")
    last = shown.locator("td:nth-child(3)").all_inner_texts()
    assert first[0] == last[-1] == "–/20"
    points = [float(text.partition("/")[0]) for text in last if text[0] != "–"]
    assert points == sorted(points, reverse=True)
    assert page.locator("#class th").nth(2).get_attribute("aria-sort") == "descending"
    page.locator("select[name=task]").select_option("0")
    assert 0 < shown.count() < 1000
    assert all("0" in row.get_attribute("data-open").split() for row in shown.all()[:20])
    page.close()
