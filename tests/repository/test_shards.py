"""Shards: every path in exactly one part, the same on every machine; and how exit codes are merged."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_iac.repository.selection import Shard, stable_hash
from genai_iac.repository.stack_results import PRECEDENCE, merge_codes


@given(st.text(), st.integers(1, 300))
def test_each_path_is_in_exactly_one_shard(path: str, count: int) -> None:
    assert sum(Shard(index, count).takes(path) for index in range(count)) == 1


def test_the_hash_is_part_of_the_format() -> None:
    assert stable_hash("team/chat") == 0x6CDA14BF20008AFB


@pytest.mark.parametrize("text", ["", "1", "1/", "/2", "2/2", "-1/2", "0/0", "1/2/3", "a/b", " 0/2", "0x1/2", "1.0/2"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="I/N"):
        Shard.parse(text)


@pytest.mark.parametrize("text", ["0/1", "0/2", "1/2", "255/256"])
def test_a_shard_reads_back(text: str) -> None:
    assert str(Shard.parse(text)) == text


def test_codes_merge_by_precedence_in_any_order() -> None:
    for codes in permutations(PRECEDENCE, 3):
        assert merge_codes(codes) == min(codes, key=PRECEDENCE.index)
    assert merge_codes([]) == 0
    assert merge_codes([0, 137]) == 1
