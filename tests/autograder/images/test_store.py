"""The sources of images: embedded, a folder or tar file, the official archive; whole, or one clear line."""

import functools
import hashlib
import http.server
import io
import pickle
import re
import sys
import tarfile
import threading
from types import MappingProxyType

import numpy as np
import patient
import pytest
import torch
from PIL import Image

from autograder.errors import KitError
from autograder.images import readers, store, training
from autograder.images.drawings import CLASSES
from autograder.images.store import EMBEDDED

COUNTS = {"train": 3, "test": 2}


def picture(split, label, number):
    """Another image for each split, class and number."""
    return torch.randint(256, (32, 32, 3), generator=torch.Generator().manual_seed(hash_of(split, label, number))).byte()


def hash_of(*parts):
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")


def expected(split):
    """For each class its images (N, 3, 32, 32), sorted by their sums."""
    return {c: by_sum(torch.stack([picture(split, c, i).permute(2, 0, 1) for i in range(COUNTS[split])])) for c in range(10)}


def found_in(images):
    return {c: by_sum(images.images[images.labels == c]) for c in range(10)}


def by_sum(images):
    return images[images.long().sum((1, 2, 3)).argsort()].tolist()


@pytest.fixture
def folder(tmp_path):
    """A small folder of images, in PNG so that the pixels stay as they are."""
    for split, count in COUNTS.items():
        for label, name in enumerate(CLASSES):
            (tmp_path / "photos" / split / name).mkdir(parents=True)
            for i in range(count):
                Image.fromarray(picture(split, label, i).numpy()).save(tmp_path / "photos" / split / name / f"{i:04}.png")
    return tmp_path / "photos"


@pytest.fixture
def find(tmp_path):
    return lambda wanted, **how: store.find(str(wanted), tmp_path / "cache", say=lambda _: None, **how)


def packed(folder, path, mode="w:xz", prefix=""):
    with tarfile.open(path, mode) as archive:
        for file in sorted(folder.rglob("*.png"), reverse=True):
            archive.add(file, f"{prefix}{file.relative_to(folder).as_posix()}")
    return path


def cached(tmp_path):
    return [p.name for p in (tmp_path / "cache").glob("*")] if (tmp_path / "cache").exists() else []


# --- embedded ---------------------------------------------------------------------------------------------------------


def test_embedded_images_are_the_same_each_time_and_others_for_each_split_and_seed():
    train = store.load(EMBEDDED, "train", 200)
    assert train.images.shape == (200, 3, 32, 32)
    assert (train.images.dtype, train.labels.dtype) == (torch.uint8, torch.int64)
    assert train.labels.bincount().tolist() == [20] * 10
    assert not torch.equal(train.labels, train.labels.sort().values)
    assert torch.equal(train.images, store.load(EMBEDDED, "train", 200).images)
    for other in (store.load(EMBEDDED, "test", 200), store.load(EMBEDDED, "train", 200, seed=1)):
        assert not torch.equal(train.images, other.images)


def test_embedded_images_come_in_the_usual_numbers():
    assert len(store.load(EMBEDDED, "test").labels) == 2000


def test_embedded_images_are_not_told_apart_by_their_mean_colour_or_by_single_pixels():
    train, test = store.load(EMBEDDED, "train", 2000), store.load(EMBEDDED, "test", 1000)
    for features, limit in ((lambda x: x.mean((2, 3)), 0.15), (lambda x: x[:, :, ::2, ::2].flatten(1), 0.3)):
        x, y = (torch.nn.functional.pad(features(s.images.double() / 127.5 - 1), (0, 1), value=1.0) for s in (train, test))
        ridge = x.T @ x + 10 * torch.eye(x.shape[1], dtype=torch.float64)
        weights = torch.linalg.solve(ridge, x.T @ torch.nn.functional.one_hot(train.labels, 10).double())
        assert ((y @ weights).argmax(1) == test.labels).double().mean() < limit


# --- which source -----------------------------------------------------------------------------------------------------


def test_auto_uses_the_embedded_images_where_there_are_no_others(find):
    assert find("auto") == find("embedded") == EMBEDDED


@pytest.mark.parametrize("form", ["folder", "tar.xz"])
def test_auto_prefers_a_folder_of_images_in_the_cache(find, folder, tmp_path, form):
    (tmp_path / "cache").mkdir()
    place = tmp_path / "cache" / "cifar10-images"
    if form == "folder":
        folder.rename(place)
    else:
        packed(folder, place.with_suffix(".tar.xz"))
    source = find("auto")
    assert "cifar10-images" in source.name
    assert found_in(store.load(source, "test")) == expected("test")


def test_auto_prefers_the_official_archive_even_when_it_is_broken(find, folder, tmp_path):
    (tmp_path / "cache" / "cifar-10-batches-py").mkdir(parents=True)
    folder.rename(tmp_path / "cache" / "cifar10-images")
    with pytest.raises(KitError, match="damaged or only a part of it"):
        find("auto")


def test_an_unknown_source_is_named(find):
    with pytest.raises(KitError, match=r"cifar11: no such file or folder; use auto, official, embedded, or the path"):
        find("cifar11")


# --- folder and tar file ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", COUNTS)
def test_a_folder_gives_its_images_in_mixed_order(find, folder, split):
    (folder / "train" / "cat" / ".hidden.png").write_bytes(b"not an image")
    (folder / "train" / "cat" / "notes.txt").write_text("not an image")
    images = store.load(find(folder), split)
    assert found_in(images) == expected(split)
    assert (images.images.dtype, images.labels.dtype) == (torch.uint8, torch.int64)
    assert not torch.equal(images.labels, images.labels.sort().values)


@pytest.mark.parametrize(("mode", "prefix"), [("w:xz", ""), ("w:gz", "cifar10/"), ("w", "./")])
def test_a_tar_file_gives_the_same_images_as_its_folder(find, folder, tmp_path, mode, prefix):
    from_tar = store.load(find(packed(folder, tmp_path / "photos.tar", mode, prefix)), "train")
    from_folder = store.load(find(folder), "train")
    assert torch.equal(from_tar.images, from_folder.images)
    assert torch.equal(from_tar.labels, from_folder.labels)


def test_images_are_read_once_and_again_after_a_change(tmp_path, folder):
    said = []
    find = functools.partial(store.find, str(folder), tmp_path / "cache", say=said.append)
    first = find()
    assert find() == first
    assert len(said) == 1
    Image.new("RGB", (32, 32)).save(folder / "test" / "dog" / "0000.png")
    assert bool((store.load(find(), "test").images.flatten(1).sum(1) == 0).any())
    assert len(said) == 2


def break_missing_class(folder):
    for file in (folder / "test" / "frog").iterdir():
        file.unlink()


def break_missing_split(folder):
    (folder / "test").rename(folder / "validation")


def break_interrupted_copy(folder):
    (folder / "train" / "truck" / "0002.png").unlink()


def break_truncated_image(folder):
    file = folder / "train" / "bird" / "0001.png"
    file.write_bytes(file.read_bytes()[:500])


def break_no_image(folder):
    (folder / "train" / "bird" / "0001.png").write_text("this is no image")


def break_size(folder):
    Image.new("RGB", (64, 32)).save(folder / "train" / "bird" / "0001.png")


BROKEN = {
    break_missing_class: "there are no images in test/frog",
    break_missing_split: "there are no images in test/airplane: expected train/CLASS and test/CLASS",
    break_interrupted_copy: "train/truck holds 2 images, other classes 3: a copy was interrupted",
    break_truncated_image: "train/bird/0001.png of .* cannot be read",
    break_no_image: "train/bird/0001.png of .* cannot be read",
    break_size: "train/bird/0001.png of .* has 64x32 pixels, not 32x32",
}


@pytest.mark.parametrize("damage", BROKEN, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("form", ["folder", "tar"])
def test_a_damaged_folder_is_one_clear_line_and_leaves_nothing_behind(find, folder, tmp_path, damage, form):
    damage(folder)
    path = folder if form == "folder" else packed(folder, tmp_path / "photos.tar")
    with pytest.raises(KitError, match=BROKEN[damage]) as caught:
        find(path)
    assert "\n" not in str(caught.value)
    assert cached(tmp_path) == []


@pytest.mark.parametrize("share", [0.1, 0.5, 0.98])
def test_a_part_of_a_tar_file_is_refused(find, folder, tmp_path, share):
    path = packed(folder, tmp_path / "photos.tar.xz")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(KitError, match="the file is damaged or only a part of it"):
        find(path)
    assert cached(tmp_path) == []


def test_a_file_of_another_kind_is_refused(find, tmp_path):
    (tmp_path / "photos.tar").write_text("these are no photos\n" * 1000)
    with pytest.raises(KitError, match="damaged or only a part of it"):
        find(tmp_path / "photos.tar")


def test_a_hostile_tar_file_writes_nothing_and_links_are_refused(find, folder, tmp_path):
    path = packed(folder, tmp_path / "photos.tar", "w")
    content = (folder / "train" / "cat" / "0000.png").read_bytes()
    with tarfile.open(path, "a") as archive:
        outside = tarfile.TarInfo("../../outside.png")
        outside.size = len(content)
        archive.addfile(outside, io.BytesIO(content))
    assert found_in(store.load(find(path), "train")) == expected("train")
    assert not list(tmp_path.parent.rglob("outside.png"))
    with tarfile.open(path, "a") as archive:
        link = tarfile.TarInfo("train/cat/0009.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(KitError, match=r"train/cat/0009\.png is not a small image file"):
        find(path)


def test_a_damaged_file_of_the_cache_says_what_to_do(find, folder, tmp_path):
    source = find(folder)
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(KitError, match="this file of the cache is damaged: delete it and run again"):
        store.load(source, "train")


def test_too_few_images_for_a_budget_are_no_data_set(find, folder):
    source = find(folder)
    assert len(store.load(source, "train", 30).labels) == 30
    with pytest.raises(KitError, match="the budget needs 31 train images, but there are 30"):
        store.load(source, "train", 31)


def test_what_is_packed_for_another_machine_gives_the_same_images_there(find, folder, tmp_path):
    budget = training.Budget(images=20, test_images=10, batch=5, epochs=1, lr=0.1, momentum=0.9, minimum=0.5, seconds=1.0)
    here = training.Training(find(folder), budget)
    there = here.unpacked(here.packed(), tmp_path / "there.pt")
    assert (there.source.name, there.budget) == (here.source.name, budget)
    assert str(tmp_path / "there.pt") in there.resident
    ours, theirs = store.resident(here.resident), store.resident(there.resident)
    assert len(ours[1]) == 20
    assert all(map(torch.equal, ours, theirs))
    assert all(map(torch.equal, here.test_images(3), there.test_images(3)))
    embedded = training.Training(EMBEDDED, budget)
    assert embedded.unpacked(embedded.packed(), tmp_path / "not there") == embedded


def test_a_budget_of_episodes_needs_no_images(tmp_path):
    found = training.choose("official", {"episodes": 60, "minimum": 100.0, "seconds": 5.0}, cache=tmp_path)
    assert (found.budget.episodes, found.budget.minimum, found.budget.images) == (60, 100.0, 0)
    assert (found.source.name, found.resident) == ("", "")
    assert found.unpacked(found.packed(), tmp_path / "not there") == found


# --- official archive -------------------------------------------------------------------------------------------------


def batch(split, numbers):
    """One file of the official archive: rows of 3072 bytes, channel by channel, and labels."""
    pairs = [(label, i) for i in numbers for label in range(10)]
    rows = torch.stack([picture(split, label, i).permute(2, 0, 1).flatten() for label, i in pairs]).numpy()
    return pickle.dumps({"data": rows, "labels": [label for label, _ in pairs]})


@pytest.fixture
def official(tmp_path):
    """A small archive in the official format, and torchvision's class for it, which downloads from a local server."""
    files = {"data_batch_1": batch("train", [0, 1]), "data_batch_2": batch("train", [2]), "test_batch": batch("test", [0, 1]),
             "batches.meta": pickle.dumps({"label_names": list(CLASSES)})}  # fmt: skip
    served = tmp_path / "served"
    served.mkdir()
    with tarfile.open(served / "small.tar.gz", "w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=served)
    sums = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        class Small(readers.cifar10()):
            url = f"http://127.0.0.1:{server.server_port}/small.tar.gz"
            filename = "small.tar.gz"
            tgz_md5 = hashlib.md5((served / "small.tar.gz").read_bytes()).hexdigest()
            train_list = tuple((name, sums[name]) for name in ("data_batch_1", "data_batch_2"))
            test_list = (("test_batch", sums["test_batch"]),)
            meta = MappingProxyType({"filename": "batches.meta", "key": "label_names", "md5": sums["batches.meta"]})

        yield Small, served / "small.tar.gz"
        server.shutdown()


def read(root, dataset, *, allow_download):
    root.mkdir(exist_ok=True)
    return readers.read_official(root, dataset, lambda _: None, allow_download=allow_download)


def test_the_official_archive_is_downloaded_when_that_is_allowed(official, tmp_path, capfd):
    dataset, _ = official
    with pytest.raises(KitError, match="is not here: allow the download with --download"):
        read(tmp_path / "root", dataset, allow_download=False)
    found = read(tmp_path / "root", dataset, allow_download=True)
    assert re.search(r"100(\.0)?%", capfd.readouterr().err)  # the progress bar
    for split in COUNTS:
        assert found_in(found[split]) == expected(split)


def test_an_archive_that_is_there_is_unpacked_without_the_network(official, tmp_path):
    dataset, archive = official
    (tmp_path / "root").mkdir()
    archive.rename(tmp_path / "root" / archive.name)
    assert found_in(read(tmp_path / "root", dataset, allow_download=False)["test"]) == expected("test")


def test_a_partial_download_is_refused_and_mended_by_another(official, tmp_path):
    dataset, archive = official
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / archive.name).write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(KitError, match=r"damaged or only a part of it .* allow the download with --download"):
        read(tmp_path / "root", dataset, allow_download=False)
    assert found_in(read(tmp_path / "root", dataset, allow_download=True)["train"]) == expected("train")


def test_a_download_that_breaks_off_is_one_clear_line(official, tmp_path):
    dataset, archive = official
    archive.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(KitError, match="damaged or only a part of it"):
        read(tmp_path / "root", dataset, allow_download=True)
    archive.unlink()
    with pytest.raises(KitError, match=r"could not be downloaded \(HTTP Error 404"):
        read(tmp_path / "other", dataset, allow_download=True)


def test_a_changed_batch_is_refused(official, tmp_path):
    dataset, _ = official
    read(tmp_path / "root", dataset, allow_download=True)
    for file in ("cifar-10-batches-py/data_batch_2", "small.tar.gz"):
        content = bytearray((tmp_path / "root" / file).read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / "root" / file).write_bytes(content)
    with pytest.raises(KitError, match="wrong checksum"):
        read(tmp_path / "root", dataset, allow_download=False)


# --- held in memory, and budgets --------------------------------------------------------------------------------------


def test_resident_images_are_scaled_and_loaded_once():
    name = store.resident_name(EMBEDDED, "test", 50, seed=3)
    images, labels = store.resident(name)
    raw = store.load(EMBEDDED, "test", 50, seed=3)
    assert torch.allclose(images, raw.images / 127.5 - 1, atol=1e-6)
    assert (images.dtype, images.is_contiguous()) == (torch.float32, True)
    assert torch.equal(labels, raw.labels)
    assert store.resident(name)[0] is images


BUDGET = {"images": 20, "test_images": 10, "batch": 5, "epochs": 1, "lr": 0.1, "momentum": 0.9, "seconds": 5.0,
          "minimum": {"photographs": 0.3, "embedded": 0.4}}  # fmt: skip


def test_a_budget_has_the_minimum_for_the_images_that_were_found(tmp_path, folder):
    quick = training.choose("embedded", BUDGET, cache=tmp_path)
    assert (quick.source, quick.budget.epochs, quick.budget.minimum) == (EMBEDDED, 1, 0.4)
    assert store.resident(quick.resident)[0].shape == (20, 3, 32, 32)
    full = training.choose(str(folder), {**BUDGET, "epochs": 2}, cache=tmp_path, say=lambda _: None)
    assert (full.budget.epochs, full.budget.minimum) == (2, 0.3)
    assert np.isclose(store.resident(full.resident)[0].numpy().max(), 1.0, atol=0.02)


# --- torchvision ------------------------------------------------------------------------------------------------------


def test_torchvision_can_be_used_whatever_torch_it_was_built_for():
    program = """
import numpy, torch
from autograder.images.torchvision_shim import import_torchvision, operators_load
assert import_torchvision() is import_torchvision()
import torchvision
from torchvision import models, transforms
image = transforms.ToTensor()(numpy.zeros((4, 6, 3), numpy.uint8))
scores = models.resnet18().eval()(torch.zeros(1, 3, 32, 32))
boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
if operators_load():
    torchvision.ops.nms(boxes, torch.ones(1), 0.5)
print(tuple(image.shape), tuple(scores.shape), type(operators_load()).__name__)
"""
    done = patient.run([sys.executable, "-c", program])
    assert done.stdout == "(3, 4, 6) (1, 1000) bool\n", done.stderr
