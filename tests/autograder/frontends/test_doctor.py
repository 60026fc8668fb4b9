"""`autograder doctor` says what a machine offers, with and without all layers of confinement."""

import importlib.metadata
import platform
import sys
from pathlib import Path

import patient
import torch

from autograder.sandbox.confinement import confine

HERE = Path(__file__).parents[1]


def test_doctor_names_versions_build_devices_images_and_isolation(run, tmp_path):
    done = run("doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    versions = [importlib.metadata.version(name) for name in ("torch", "torchvision", "nbgrader", "pytest", "blitz-autograder")]
    layers = confine.layers()
    for word in (
        *versions,
        platform.python_version(),
        "processors",
        "images",
        *(layer.name for layer in layers if layer.present),
    ):
        assert word in done.stdout, word
    assert f"CUDA {torch.version.cuda}" in done.stdout or "CPU" in done.stdout
    last = [line for line in done.stdout.splitlines() if "isolation" in line][-1]
    assert confine.tier(layers) in last


def test_doctor_names_what_is_missing_for_full_isolation(tmp_path):
    command = [sys.executable, HERE / "without_landlock.py", sys.executable, "-m", "autograder", "doctor"]
    done = patient.run(command, cwd=tmp_path, check=True)
    text = " ".join(done.stdout.replace("│", " ").split())
    assert "landlock missing:" in text
    assert "isolation reduced: `grade` needs --isolation reduced; missing: landlock" in text
