"""Keys follow from the secret, each for what its names say, and from no other key."""

from __future__ import annotations

import pytest

from autograder import secret
from autograder.errors import KitError


def test_each_list_of_names_has_a_key_of_its_own_the_same_each_time():
    key = secret.drawn()
    names = [(), ("",), ("a",), ("b",), ("a", "b"), ("ab",), ("b", "a"), ("a:b",), ("a", "", "b"), ("é",)]
    keys = [secret.derived(key, *each) for each in names]
    assert keys == [secret.derived(key, *each) for each in names]
    assert len(set(keys)) == len(keys)
    assert {len(each) for each in keys} == {32}


def test_a_key_of_256_bits_stands_behind_every_seed():
    key = secret.of_seed(3)
    seeds = {secret.seed_from(each, "inputs") for each in (key, key[:-1] + b"\0", b"\0" + key[1:], secret.of_seed(4))}
    assert len(seeds) == 4  # no byte of the key is left out
    assert all(0 <= seed < 1 << 63 for seed in seeds)


def test_the_secret_of_a_seed_is_always_the_same():
    assert secret.of_seed(0).hex() == "860b3a4cc4ef9fca29708a97f286ade8677c0cfed541608b7555bec2fce0457d"
    assert len({secret.of_seed(number) for number in range(-2, 50)}) == 52


def test_a_secret_that_is_not_there_is_named(tmp_path):
    with pytest.raises(KitError, match=r"gone: the secret of the hidden inputs cannot be read \(No such file"):
        secret.read(tmp_path / "gone")
