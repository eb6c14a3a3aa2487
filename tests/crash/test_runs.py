"""The judge of a year finds every promise about time that is not kept, and blames no run for those that were killed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from .runs import DAY, Entry, Habit, Secret, find_breaches

BEGAN = datetime(2027, 1, 1, tzinfo=UTC)
HABIT = Habit("brisk", 5, 2, 24, (10, 10), ("secrets/brisk.env",))
NEVER = 99
TURN, RETIRED = 5, 8  # the days on which that habit rotates, and retires the old secret


def _secret(name: str, created: int, *, works: bool, shown: bool) -> Secret:
    made = BEGAN + created * DAY
    return Secret(name, "ACTIVE" if works else "INACTIVE", made, made + 10 * DAY, shown)


def keep_diary(
    turn: int = TURN, retired: int = RETIRED, *, killed: tuple[int, ...] = (), days: int = 10
) -> list[Entry]:
    """Of a key whose key-one makes way on one day and is retired on another."""
    return [
        Entry(
            BEGAN + day * DAY,
            (
                _secret("key-one", 0, works=day < retired, shown=day < turn),
                _secret("key-two", turn if day >= turn else -5, works=day >= turn, shown=day >= turn),
            ),
            day in killed,
        )
        for day in range(days)
    ]


def test_nothing_is_wrong_with_promises_kept() -> None:
    assert list(find_breaches(HABIT, keep_diary())) == []


@pytest.mark.parametrize(
    "diary",
    [
        keep_diary(TURN + 1, RETIRED + 1, killed=(TURN,)),
        keep_diary(TURN + 3, NEVER, killed=(TURN, TURN + 1, TURN + 2)),
        keep_diary(retired=RETIRED + 1, killed=(RETIRED,)),
    ],
)
def test_killed_runs_put_it_off(diary: list[Entry]) -> None:
    assert list(find_breaches(HABIT, diary)) == []


@pytest.mark.parametrize(
    ("diary", "breach"),
    [
        (keep_diary(TURN - 1), "key-one made way at"),
        (keep_diary(TURN + 1, RETIRED + 1), "key-one made way at"),
        (keep_diary(TURN + 2, NEVER, killed=(TURN,)), "key-one is overdue"),
        (keep_diary(NEVER, NEVER), "key-one is overdue"),
        (keep_diary(NEVER, NEVER, killed=tuple(range(5, 11)), days=11), "key-one, which callers have, is dead"),
        (keep_diary(retired=RETIRED + 1), "key-one still works"),
        (keep_diary(retired=NEVER, killed=(RETIRED,)), "key-one still works"),
    ],
)
def test_a_broken_promise_is_found(diary: list[Entry], breach: str) -> None:
    assert [found for found in find_breaches(HABIT, diary) if found.startswith(f"brisk: {breach}")]


def test_values_made_for_nothing_are_found() -> None:
    diary = keep_diary()
    spare = Entry(BEGAN + 9 * DAY, (_secret("key-one", 9, works=False, shown=False), diary[-1].secrets[1]), False)
    assert list(find_breaches(HABIT, [*diary[:-1], spare])) == ["brisk: 4 values were made for 1 turns"]
