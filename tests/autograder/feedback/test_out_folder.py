"""The OUT folder of a grading: what is written is read back, the secret is kept, and what is foreign is named."""

import json
import resource
import stat
import sys
from dataclasses import replace

import patient
import pytest

from autograder import results, secret
from autograder.course import load
from autograder.errors import KitError
from autograder.feedback import out_folder, record, roster_file
from autograder.feedback.record import Record
from autograder.results import Person, SubmissionStatus

from .conftest import MINI

EVIDENCE = {"losses": [2.0, 1.0], "accuracy": {"reached": 0.5, "images": "50 Bilder — 张", "minimum": 0.4}}


@pytest.fixture
def out(tmp_path, topic, reports):
    """The OUT of a class that was graded; amira's result has evidence."""
    folder = tmp_path / "out"
    for item in (replace(reports[0], attachments=EVIDENCE), *reports[1:]):
        out_folder.keep(folder, item)
    out_folder.finish(folder, topic, reports)
    return folder


def test_what_is_written_is_read_back(out, topic, reports):
    read_topic, found = out_folder.read(out, load(MINI))
    assert read_topic == topic
    assert found == [replace(reports[0], attachments=EVIDENCE), *reports[1:]]


def test_each_thing_has_its_place_and_nothing_else_is_left(out):
    names = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    people = ("amira", "bo", "chen", "dalia")
    assert names == {"grading.json", "scores.csv", "index.html", "evidence/amira.json",
                     *(f"results/{name}.json" for name in people),
                     *(f"{folder}/{name}.html" for name in people for folder in ("pages", "students"))}  # fmt: skip
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.rglob("*") if path.is_file()} == {0o644}


def test_a_result_is_there_before_the_others_are(tmp_path, reports):
    out_folder.keep(tmp_path, reports[1])
    assert results.from_json((tmp_path / "results/bo.json").read_text(encoding="utf-8")) == reports[1]
    assert not (tmp_path / "evidence").exists()


def test_the_record_names_topic_and_schema(out):
    assert json.loads((out / "grading.json").read_text()) == {"schema": 1, "topic": "01_mini"}


def test_reading_and_finishing_again_changes_nothing(out):
    before = {path: path.read_bytes() for path in out.rglob("*.*")}
    out_folder.finish(out, *out_folder.read(out, load(MINI)))
    out_folder.finish(out, *out_folder.read(out, load(MINI)))
    after = {path: path.read_bytes() for path in out.rglob("*.*")}
    assert {path.name for path in after if after[path] != before.get(path)} == {"amira.html"}  # finished without evidence above
    assert "Training loss" in (out / "pages/amira.html").read_text(encoding="utf-8")


def secret_kept_in(out, seed):
    key = out_folder.secret_of(out, seed)
    out_folder.keep_secret(out, key)
    return key


def test_the_secret_is_that_of_the_grading_before_or_of_the_seed_asked_for(out):
    drawn = secret_kept_in(out, None)
    assert secret_kept_in(out, None) == drawn
    assert secret_kept_in(out, 3) == secret.of_seed(3) != drawn
    assert secret_kept_in(out, None) == secret.of_seed(3)


def test_each_grading_draws_a_secret_of_256_bits_that_only_the_instructor_can_read(tmp_path):
    drawn = {secret_kept_in(tmp_path / str(number), None) for number in range(20)}
    assert len(drawn) == 20
    assert {len(each) for each in drawn} == {32}
    assert stat.S_IMODE((tmp_path / "0/secret").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "7", "00" * 31, "x" * 64, "\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_a_damaged_secret_is_named_and_never_replaced_by_itself(out, text):
    (out / "secret").write_text(text, encoding="utf-8")
    with pytest.raises(KitError, match=r"secret: not a secret that this kit wrote"):
        out_folder.secret_of(out, None)
    assert (out / "secret").read_text(encoding="utf-8") == text


def test_nothing_but_its_own_file_holds_the_secret(out, topic, reports):
    drawn = secret_kept_in(out, None)
    out_folder.finish(out, topic, reports)
    texts = {path: path.read_text(encoding="utf-8") for path in out.rglob("*") if path.is_file() and path.name != "secret"}
    assert texts
    assert not [path for path, text in texts.items() if drawn.hex() in text or '"seed"' in text]


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "3", "{}", '{"schema": 1}', "[" * 100_000, "\udcff",
    ],
)  # fmt: skip
def test_a_foreign_or_damaged_record_is_named_and_not_believed(out, text):
    (out / "grading.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(KitError, match=r"grading\.json: not written by this kit; remove it to start afresh"):
        out_folder.read(out, load(MINI))


def test_each_topic_s_page_leads_to_all_topics_of_the_same_out(out, reports):
    course = load(MINI)
    other = replace(course.topic("01_mini"), name="02_more", title="More")
    pages_before = (out / "pages/bo.html").read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autograder.feedback.out_folder.course.load", lambda _: replace(course, topics=(*course.topics, other)))
        place = out_folder.place(out, other)
        out_folder.keep(place, replace(reports[0], topic="02_more"))
        out_folder.finish(place, other, [replace(reports[0], topic="02_more")])
    first, second = ((folder / "index.html").read_text(encoding="utf-8") for folder in (out, place))
    assert '<a href="02_more/index.html">02_more: More</a>' in first
    assert '<a href="../index.html">01_mini: ' in second
    assert "100 %" in first  # amira has full marks there
    assert (out / "pages/bo.html").read_bytes() == pages_before


def test_a_roster_in_out_tells_who_has_handed_in_nothing(out, topic, reports):
    ada, bo = Person("7", "Ada <b>Absent</b>"), Person("8", "Bo")
    roster_file.write(out, [ada, bo])
    assert roster_file.read(out) == (ada, bo)
    out_folder.finish(out, topic, [replace(reports[1], person=bo), reports[2]])
    text = (out / "index.html").read_text(encoding="utf-8")
    assert "<li>Ada &lt;b&gt;Absent&lt;/b&gt; · 7</li>" in text
    assert "On the roster, and without a submission: 1." in text
    assert text.index("Not on the roster") < text.index('<li><a href="pages/chen.html">')


def test_a_foreign_roster_is_named(out):
    (out / "roster.json").write_text('{"schema": 1, "people": [{"id": "7", "shoe": "42"}]}')
    with pytest.raises(KitError, match=r"roster\.json: not written by this kit"):
        roster_file.read(out)


def test_a_folder_that_is_no_out_is_named(tmp_path):
    with pytest.raises(KitError, match=r"is .*nowhere the OUT of a grading\?"):
        out_folder.read(tmp_path / "nowhere", load(MINI))


def test_a_topic_that_the_course_no_longer_has_is_named(out):
    (out / "grading.json").write_text('{"topic": "99_gone"}')
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
    out_folder.finish(tmp_path, topic, kept)
    assert out_folder.read(tmp_path, load(MINI))[1] == kept


@pytest.mark.parametrize("odd", [{"losses": [{}, []]}, {"confusion": {"classes": [1], "counts": []}}, {"samples": 3}])
def test_evidence_that_cannot_be_shown_costs_no_page(tmp_path, topic, reports, odd):
    out_folder.finish(tmp_path, topic, [replace(reports[0], attachments=odd), *reports[1:]])
    assert len(list((tmp_path / "pages").iterdir())) == len(reports)
    assert "amira" in (tmp_path / "pages/amira.html").read_text(encoding="utf-8")


def test_an_out_that_takes_no_file_is_named(tmp_path, topic, reports):
    (tmp_path / "results").write_text("in the way")
    for write in (lambda: out_folder.keep(tmp_path, reports[0]), lambda: record.write(tmp_path / "results", Record(topic.name))):
        with pytest.raises(KitError, match="the results cannot be written"):
            write()


def test_a_disk_that_fills_up_leaves_the_result_before_whole(tmp_path, reports):
    out_folder.keep(tmp_path, reports[0])
    before = (tmp_path / "results/amira.json").read_bytes()
    code = ("import pathlib, sys\nfrom dataclasses import replace\nfrom autograder.errors import KitError\n"
            "from autograder.feedback import out_folder\n(known,) = out_folder.held(out := pathlib.Path(sys.argv[1]))\n"
            "try:\n    out_folder.keep(out, replace(known, message='x' * 9999, attachments={'losses': [0.5] * 9999}))\n"
            "except KitError as error:\n    print(error)\n")  # fmt: skip
    limit = (len(before) // 2,) * 2
    done = patient.run([sys.executable, "-c", code, tmp_path],
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))  # fmt: skip
    assert done.stdout == f"{tmp_path}: the results cannot be written (File too large)\n", done.stderr
    assert [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] == [before]


def test_who_has_left_is_set_aside_and_comes_back(out, topic, reports):
    out_folder.set_aside(out, ["amira"])
    assert [item.submission for item in out_folder.held(out)] == ["bo", "chen", "dalia"]
    assert not (out / "pages/amira.html").exists()
    out_folder.bring_back(out, ["amira", "bo", "nobody"])
    assert out_folder.held(out) == [replace(reports[0], attachments=EVIDENCE), *reports[1:]]


def test_a_result_without_evidence_takes_that_of_the_one_before_along(out, reports):
    out_folder.keep(out, reports[0])
    assert out_folder.held(out)[0] == reports[0]


def test_a_topic_has_out_itself_if_it_was_first_and_a_folder_of_its_own_if_not(out, topic):
    other = replace(topic, name="02_other")
    assert out_folder.place(out, topic) == out
    assert out_folder.place(out, other) == out / "02_other"
    assert out_folder.place(out / "new", other) == out / "new"
    out_folder.finish(out / "02_other", other, [])
    assert out_folder.place(out, other) == out / "02_other"
    assert out_folder.places(out) == [out, out / "02_other"]
    assert len({secret_kept_in(place, None) for place in out_folder.places(out)}) == 2


def test_what_out_holds_of_others_is_known_before_a_grading(out, tmp_path, reports):
    assert [item.submission for item in out_folder.held(out)] == [item.submission for item in reports]
    assert out_folder.held(tmp_path / "nowhere") == []
