"""The OUT folder of a grading: what is written is read back, the seed is kept, and what is foreign is named."""

import json
import stat
from dataclasses import replace

import pytest

from autograder import results
from autograder.course import load
from autograder.errors import KitError
from autograder.feedback import out_folder
from autograder.results import SubmissionStatus

from .conftest import MINI

EVIDENCE = {"losses": [2.0, 1.0], "accuracy": {"reached": 0.5, "images": "50 Bilder — 张", "minimum": 0.4}}


@pytest.fixture
def out(tmp_path, topic, reports):
    """The OUT of a class that was graded with seed 7; amira's result has evidence."""
    folder = tmp_path / "out"
    for item in (replace(reports[0], attachments=EVIDENCE), *reports[1:]):
        out_folder.keep(folder, item)
    out_folder.finish(folder, topic, 7, reports)
    return folder


def test_what_is_written_is_read_back(out, topic, reports):
    read_topic, seed, found = out_folder.read(out, load(MINI))
    assert (read_topic, seed) == (topic, 7)
    assert found == [replace(reports[0], attachments=EVIDENCE), *reports[1:]]


def test_each_thing_has_its_place_and_nothing_else_is_left(out):
    names = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    people = ("amira", "bo", "chen", "dalia")
    assert names == {"grading.json", "scores.csv", "index.html", "evidence/amira.json",
                     *(f"results/{name}.json" for name in people), *(f"pages/{name}.html" for name in people)}  # fmt: skip
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.rglob("*") if path.is_file()} == {0o644}


def test_a_result_is_there_before_the_others_are(tmp_path, reports):
    out_folder.keep(tmp_path, reports[1])
    assert results.from_json((tmp_path / "results/bo.json").read_text(encoding="utf-8")) == reports[1]
    assert not (tmp_path / "evidence").exists()


def test_the_record_names_topic_seed_and_schema(out):
    assert json.loads((out / "grading.json").read_text()) == {"schema": 1, "topic": "01_mini", "seed": 7}


def test_reading_and_finishing_again_changes_nothing(out):
    before = {path: path.read_bytes() for path in out.rglob("*.*")}
    out_folder.finish(out, *out_folder.read(out, load(MINI)))
    out_folder.finish(out, *out_folder.read(out, load(MINI)))
    after = {path: path.read_bytes() for path in out.rglob("*.*")}
    assert {path.name for path in after if after[path] != before.get(path)} == {"amira.html"}  # finished without evidence above
    assert "Training loss" in (out / "pages/amira.html").read_text(encoding="utf-8")


def test_the_seed_is_the_one_asked_for_or_that_of_the_grading_before(out):
    assert out_folder.seed(out, None) == 7
    assert out_folder.seed(out, 0) == 0
    assert out_folder.seed(out, 3) == 3


def test_a_new_grading_draws_a_new_seed(tmp_path):
    seeds = {out_folder.seed(tmp_path / "new", None) for _ in range(20)}
    assert len(seeds) == 20
    assert all(0 <= seed < 1 << 31 for seed in seeds)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "3", "{}", '{"topic": "01_mini"}', '{"seed": 1}', '{"topic": "01_mini", "seed": null}',
        '{"topic": "01_mini", "seed": "x"}', '{"topic": "01_mini", "seed": Infinity}', "[" * 100_000, "\udcff",
    ],
)  # fmt: skip
def test_a_foreign_or_damaged_record_is_named_and_not_believed(out, text):
    (out / "grading.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    for action in (lambda: out_folder.seed(out, None), lambda: out_folder.read(out, load(MINI))):
        with pytest.raises(KitError, match=r"grading\.json: not written by this kit; remove it to start afresh"):
            action()
    assert out_folder.seed(out, 5) == 5


def test_a_folder_that_is_no_out_is_named(tmp_path):
    with pytest.raises(KitError, match=r"is .*nowhere the OUT of a grading\?"):
        out_folder.read(tmp_path / "nowhere", load(MINI))


def test_a_topic_that_the_course_no_longer_has_is_named(out):
    (out / "grading.json").write_text('{"topic": "99_gone", "seed": 1}')
    with pytest.raises(KitError, match="99_gone"):
        out_folder.read(out, load(MINI))


@pytest.mark.parametrize("place", ["results/amira.json", "evidence/amira.json"])
@pytest.mark.parametrize("text", ["", "{", "[1]", "3", "[" * 100_000, "\udcff"])
def test_a_foreign_or_damaged_result_is_named(out, place, text):
    (out / place).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(KitError, match=r"results.amira\.json: "):
        out_folder.read(out, load(MINI))


def test_a_result_that_names_another_place_is_not_followed(out, reports):
    (out / "results/amira.json").write_text(results.to_json(replace(reports[0], submission="../../escaped")))
    with pytest.raises(KitError, match=r"results.amira\.json: .*grade again"):
        out_folder.read(out, load(MINI))


@pytest.mark.parametrize("odd", [{"losses": object()}, {"text": "\ud800"}])
def test_evidence_that_cannot_be_kept_is_left_out(tmp_path, reports, odd):
    assert out_folder.keep(tmp_path, replace(reports[0], attachments=odd)).score == reports[0].score
    assert (tmp_path / "results/amira.json").is_file()
    assert not (tmp_path / "evidence").exists()


@pytest.mark.parametrize("odd", [{"message": "\ud800"}, {"seconds": float("nan")}])
def test_a_result_that_cannot_be_kept_is_broken_and_costs_no_other(tmp_path, topic, reports, odd):
    kept = [out_folder.keep(tmp_path, replace(reports[0], **odd)), out_folder.keep(tmp_path, reports[1])]
    assert (kept[0].status, kept[0].score, kept[1]) == (SubmissionStatus.BROKEN, 0.0, reports[1])
    assert "Fault of the kit: its result cannot be kept" in kept[0].message
    out_folder.finish(tmp_path, topic, 7, kept)
    assert out_folder.read(tmp_path, load(MINI))[2] == kept


@pytest.mark.parametrize("odd", [{"losses": [{}, []]}, {"confusion": {"classes": [1], "counts": []}}, {"samples": 3}])
def test_evidence_that_cannot_be_shown_costs_no_page(tmp_path, topic, reports, odd):
    out_folder.finish(tmp_path, topic, 7, [replace(reports[0], attachments=odd), *reports[1:]])
    assert len(list((tmp_path / "pages").iterdir())) == len(reports)
    assert "amira" in (tmp_path / "pages/amira.html").read_text(encoding="utf-8")


def test_an_out_that_takes_no_file_is_named(tmp_path, topic, reports):
    (tmp_path / "results").write_text("in the way")
    for write in (lambda: out_folder.keep(tmp_path, reports[0]), lambda: out_folder.begin(tmp_path / "results", topic, 7)):
        with pytest.raises(KitError, match="the results cannot be written"):
            write()


def test_a_topic_has_out_itself_if_it_was_first_and_a_folder_of_its_own_if_not(out, topic):
    other = replace(topic, name="02_other")
    assert out_folder.place(out, topic) == out
    assert out_folder.place(out, other) == out / "02_other"
    assert out_folder.place(out / "new", other) == out / "new"
    out_folder.finish(out / "02_other", other, 8, [])
    assert out_folder.place(out, other) == out / "02_other"
    assert out_folder.places(out) == [out, out / "02_other"]
    assert [out_folder.seed(place, None) for place in out_folder.places(out)] == [7, 8]


def test_what_out_holds_of_others_is_known_before_a_grading(out, tmp_path, reports):
    assert [item.submission for item in out_folder.held(out)] == [item.submission for item in reports]
    assert out_folder.held(tmp_path / "nowhere") == []
