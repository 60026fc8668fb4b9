"""The network that topics build on: it knows the six animals, is trained once, and is found again in the cache."""

import pytest
import torch

from autograder.images import drawings, pretrained, store
from autograder.images.drawings import CLASSES


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache, and a training that takes a moment; what other tests have trained is left in place."""
    monkeypatch.setenv("AUTOGRADER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pretrained, "IMAGES", 40)
    monkeypatch.setattr(pretrained, "EPOCHS", 1)
    pretrained._kept.cache_clear()
    yield tmp_path / "cache"
    pretrained._kept.cache_clear()


def refuse():
    raise AssertionError("it is trained once more")


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_it_is_trained_once_and_found_again(cache, monkeypatch):
    first = pretrained.pretrained()
    pretrained._kept.cache_clear()
    monkeypatch.setattr(pretrained, "_trained", refuse)
    assert same(pretrained.pretrained(), first)
    assert [path.name for path in cache.iterdir()] == [f"backbone-{pretrained.LAYOUT}.pt"]


def test_the_same_training_gives_the_same_weights_and_leaves_the_generator_alone(cache):
    torch.manual_seed(5)
    expected = torch.randn(3)
    torch.manual_seed(5)
    first, drawn = pretrained.pretrained(), torch.randn(3)
    assert torch.equal(drawn, expected)
    assert same(pretrained._trained(), first)
    assert cache.is_dir()


@pytest.mark.parametrize("content", [b"", b"no tensors"])
def test_a_damaged_file_is_replaced(cache, content):
    cache.mkdir()
    (cache / f"backbone-{pretrained.LAYOUT}.pt").write_bytes(content)
    found = pretrained.pretrained()
    pretrained.Backbone().load_state_dict(found)
    assert same(torch.load(cache / f"backbone-{pretrained.LAYOUT}.pt", weights_only=True), found)


def test_a_file_with_other_tensors_is_replaced(cache):
    cache.mkdir()
    torch.save({"weight": torch.zeros(2)}, cache / f"backbone-{pretrained.LAYOUT}.pt")
    assert pretrained.pretrained().keys() == pretrained.Backbone().state_dict().keys()


def test_where_nothing_can_be_kept_it_is_there_all_the_same(cache):
    cache.write_text("a file in the folder's place")
    assert pretrained.pretrained().keys() == pretrained.Backbone().state_dict().keys()


def test_each_caller_has_tensors_of_its_own(cache):
    pretrained.pretrained()["fc.bias"].fill_(9.0)
    assert not (pretrained.pretrained()["fc.bias"] == 9.0).any()
    assert cache.is_dir()


def test_only_some_classes_in_the_order_of_their_names():
    labels = torch.arange(10)
    images = labels[:, None, None, None].expand(-1, 3, 2, 2)
    found, numbers = pretrained.only((images, labels), ("ship", "cat"))
    assert [CLASSES[int(i)] for i in found[:, 0, 0, 0]] == ["cat", "ship"]
    assert numbers.tolist() == [1, 0]


def test_it_tells_the_animals_apart_on_images_that_it_has_not_seen(monkeypatch, tmp_path):
    monkeypatch.setenv("AUTOGRADER_CACHE", str(tmp_path))
    pretrained._kept.cache_clear()
    net = pretrained.Backbone()
    net.load_state_dict(pretrained.pretrained())
    pretrained._kept.cache_clear()
    images, labels = pretrained.only(store.resident(store.resident_name(store.EMBEDDED, "test", 1000, 3)), pretrained.ANIMALS)
    with torch.no_grad():
        right = (net.eval()(images).argmax(1) == labels).double().mean().item()
    assert len(labels) == 600
    assert right > 0.7
    assert set(pretrained.ANIMALS) < set(drawings.DRAWINGS)
