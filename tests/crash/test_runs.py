"""The judge of a year finds every promise about time that is not kept, and blames no run for those that were killed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from .runs import DAY, Entry, Habit, Secret, find_breaches

BEGAN = datetime(2027, 1, 1, tzinfo=UTC)
HABIT = Habit("brisk", 5, 2, 24, (10, 10), ("secrets/brisk.env",))
NEVER = 99
ROTATED, RETIRED = 5, 8  # the days on which that habit rotates, and retires the old secret


def _secret(name: str, created: int, *, works: bool, shown: bool) -> Secret:
    made = BEGAN + created * DAY
    return Secret(name, "ACTIVE" if works else "INACTIVE", made, made + 10 * DAY, shown)


def make_entries(
    rotated: int = ROTATED, retired: int = RETIRED, *, killed: tuple[int, ...] = (), days: int = 10
) -> list[Entry]:
    """Of a key whose key-one makes way on one day and is retired on another."""
    return [
        Entry(
            BEGAN + day * DAY,
            (
                _secret("key-one", 0, works=day < retired, shown=day < rotated),
                _secret("key-two", rotated if day >= rotated else -5, works=day >= rotated, shown=day >= rotated),
            ),
            day in killed,
        )
        for day in range(days)
    ]


def test_nothing_is_wrong_with_promises_kept() -> None:
    assert list(find_breaches(HABIT, make_entries())) == []


@pytest.mark.parametrize(
    "entries",
    [
        make_entries(ROTATED + 1, RETIRED + 1, killed=(ROTATED,)),
        make_entries(ROTATED + 3, NEVER, killed=(ROTATED, ROTATED + 1, ROTATED + 2)),
        make_entries(retired=RETIRED + 1, killed=(RETIRED,)),
    ],
)
def test_killed_runs_put_it_off(entries: list[Entry]) -> None:
    assert list(find_breaches(HABIT, entries)) == []


@pytest.mark.parametrize(
    ("entries", "breach"),
    [
        (make_entries(ROTATED - 1), "key-one made way at"),
        (make_entries(ROTATED + 1, RETIRED + 1), "key-one made way at"),
        (make_entries(ROTATED + 2, NEVER, killed=(ROTATED,)), "key-one is overdue"),
        (make_entries(NEVER, NEVER), "key-one is overdue"),
        (make_entries(NEVER, NEVER, killed=tuple(range(5, 11)), days=11), "key-one, which callers have, is dead"),
        (make_entries(retired=RETIRED + 1), "key-one still works"),
        (make_entries(retired=NEVER, killed=(RETIRED,)), "key-one still works"),
    ],
)
def test_a_broken_promise_is_found(entries: list[Entry], breach: str) -> None:
    assert [found for found in find_breaches(HABIT, entries) if found.startswith(f"brisk: {breach}")]


def test_values_made_for_nothing_are_found() -> None:
    entries = make_entries()
    spare = Entry(BEGAN + 9 * DAY, (_secret("key-one", 9, works=False, shown=False), entries[-1].secrets[1]), False)
    assert list(find_breaches(HABIT, [*entries[:-1], spare])) == ["brisk: 4 new values for 1 rotations"]
