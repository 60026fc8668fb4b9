"""Topic 04 graded from outside: training that goes wrong in every way ends with a status and a sentence."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from autograder import course

ROOT = course.find_root(Path(__file__).parent)
TOPIC = course.load(ROOT).topic("04_cifar10")
SOLUTION = TOPIC.solution.read_text(encoding="utf-8")
STEP = "            optimizer.step()\n"
RETURN = "    return window_losses"
SAVE = "torch.save(net.state_dict(), path)"

CODE = """
class Payload:
    def __reduce__(self):
        return eval, ("open('/tmp/autograder-payload-ran', 'w').close()",)

"""


def with_edit(old, new, text=SOLUTION):
    assert text.count(old) == 1
    return text.replace(old, new)


SUBMISSIONS = {
    "good": SOLUTION,
    "endless": with_edit(RETURN, "    while True:\n        pass"),
    "silent": with_edit(RETURN, ""),
    "diverges": with_edit(STEP, STEP + "            for p in net.parameters():\n                p.data.mul_(float('nan'))\n"),
    "spoils_the_loader": with_edit(RETURN, "    loader.dataset.tensors[0].zero_()\n" + RETURN),
    "double": with_edit(RETURN, "    net.double()\n" + RETURN),
    "hoards": with_edit("            running_loss +=", "            window_losses.append([torch.empty(60_000_000), loss])\n"
                                                       "            running_loss +="),
    "eval_mode": with_edit("net.train()\n", "net.eval()\n"),
    "no_grad": with_edit("            loss.backward()\n", "            with torch.no_grad():\n                loss = loss * 1\n"
                                                          "            loss.backward()\n"),
    "saves_a_list": with_edit(SAVE, "torch.save([1, 2, 3], path)"),
    "saves_text": with_edit(SAVE, "Path(path).write_text('weights')"),
    "saves_nothing": with_edit(SAVE, "pass"),
    "saves_too_much": with_edit(SAVE, "torch.save({'x': torch.zeros(60_000_000), **net.state_dict()}, path)"),
    "saves_much": with_edit(SAVE, "torch.save({'x': torch.zeros(1_000_000), **net.state_dict()}, path)"),
    "saves_code": CODE + with_edit(SAVE, "torch.save({'x': Payload(), **net.state_dict()}, path)"),
}  # fmt: skip

EXPECTED = {
    "endless": ("train", "timeout", "took longer than 3 s"),
    "silent": ("train", "partial", "returned None"),
    "diverges": ("train", "failed", "contains nan"),
    "spoils_the_loader": ("train", "partial", "The tensor of the loader's images was changed by the call"),
    "double": ("trained_accuracy", "failed", "dtype torch.float64: leave the network in float32"),
    "hoards": ("train", "error", "needs more memory than it may use"),
    "eval_mode": ("trained_accuracy", "failed", "The network was in eval mode while it was trained"),
    "no_grad": ("train", "error", "does not require grad"),
    "saves_a_list": ("save_weights", "failed", "The file should hold net.state_dict()"),
    "saves_text": ("save_weights", "failed", "refuses the file"),
    "saves_nothing": ("save_weights", "failed", "there is no file at path"),
    "saves_too_much": ("save_weights", "error", "`torch.save("),
    "saves_much": ("save_weights", "failed", "it also has x"),
    "saves_code": ("save_weights", "failed", "refuses the file"),
}


@pytest.fixture(scope="module")
def graded(kit, tmp_path_factory):
    """All of them in one run, with a budget too small to learn anything, and limits to match."""
    root = tmp_path_factory.mktemp("cifar10")
    document = yaml.safe_load((ROOT / "course.yaml").read_text(encoding="utf-8"))
    topic = document["topics"][TOPIC.name]
    short = {**topic["settings"]["budgets"]["quick"], "images": 400, "test_images": 100, "batch": 8, "epochs": 2,
             "minimum": {"embedded": 0.0, "photographs": 0.0}, "seconds": 10}  # fmt: skip
    topic["settings"].update(data="embedded", budgets={"quick": short})
    topic["limits"] = {"check_seconds": 3, "total_seconds": 20, "memory_mb": 1024}
    document["topics"] = {TOPIC.name: topic}
    (root / "course.yaml").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    for folder in ("exercises", "solutions", "tests/hidden"):
        shutil.copytree(ROOT / folder / TOPIC.name, root / folder / TOPIC.name)
    handed_in = kit.write(root / "handed-in", {name: {TOPIC.module: text} for name, text in SUBMISSIONS.items()})
    done = kit.run("grade", handed_in, "--topic", TOPIC.name, "--out", root / "out", cwd=root)
    assert done.returncode == 0, done.stderr
    found = {path.stem: json.loads(path.read_text()) for path in (root / "out" / "results").glob("*.json")}
    evidence = {path.stem: json.loads(path.read_text()) for path in (root / "out" / "evidence").glob("*.json")}
    return found, evidence


def test_good_work_gets_full_marks_whatever_the_others_did(graded):
    good = graded[0]["good"]
    assert good["score"] == good["max_score"], [t for t in good["tasks"] if t["status"] != "passed"]
    assert good["data"] == "embedded images"


@pytest.mark.parametrize("name", EXPECTED)
def test_bad_training_is_a_status_with_a_sentence(graded, name):
    task, status, message = EXPECTED[name]
    result = graded[0][name]
    assert result["status"] == "graded"
    (found,) = [t for t in result["tasks"] if t["id"] == task]
    assert found["status"] == status, found
    assert message in found["message"]
    assert found["score"] < found["max_score"]
    assert "Traceback" not in found["message"]


def test_code_in_a_weights_file_is_never_run(graded):
    assert graded[0]["saves_code"]
    assert not Path("/tmp/autograder-payload-ran").exists()


def test_the_evidence_holds_curve_confusion_and_samples(graded):
    evidence = graded[1]["good"]
    assert len(evidence["losses"]) == 2 * (50 // 3)
    assert evidence["accuracy"] == {"reached": evidence["accuracy"]["reached"], "minimum": 0.0, "images": "embedded images"}
    assert sum(map(sum, evidence["confusion"]["counts"])) == 100
    assert len(evidence["samples"]) == 24
    assert evidence["samples"][0].keys() == {"png", "label", "predicted"}
