"""Parts of a claim side by side: results in order, one progress of all, and an end where one fails."""

from functools import partial
from threading import Barrier, Event

import pytest

from samplers.draws import Progress
from thermalize.claims.side_by_side import side_by_side


def silent(done: int, total: int, note: str = "") -> None:
    pass


def test_results_come_in_the_order_of_the_parts_whichever_ends_first() -> None:
    second_ended = Event()

    def first(progress: Progress) -> str:
        assert second_ended.wait(10)  # so the second runs meanwhile
        return "first"

    def second(progress: Progress) -> str:
        second_ended.set()
        return "second"

    assert side_by_side([first, second], silent) == ["first", "second"]


def test_the_longest_are_begun_first() -> None:
    begun: list[str] = []
    both_there = Barrier(2)

    def part(name: str, progress: Progress) -> str:
        begun.append(name)
        if name != "short":
            both_there.wait(10)
        return name

    names = ["short", "long", "longer"]
    assert side_by_side([partial(part, name) for name in names], silent, [1, 2, 3]) == names
    assert begun[-1] == "short"


def test_progress_is_of_all_parts_and_never_falls() -> None:
    seen: list[tuple[int, int]] = []

    def part(progress: Progress) -> None:
        for done in range(5):
            progress(done, 4)

    side_by_side([part] * 3, lambda done, total, note="": seen.append((done, total)))
    assert {total for _, total in seen} == {3000}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (3000, 3000)


def test_progress_counts_parts_by_their_lengths() -> None:
    seen: list[int] = []
    parts = [lambda progress: progress(1, 1)] * 2
    side_by_side(parts, lambda done, total, note="": seen.append(done * 4 // total), [3, 1])
    assert seen in ([3, 4], [1, 4])


def test_where_one_fails_the_others_end() -> None:
    failed = Event()

    def endless(progress: Progress) -> None:
        assert failed.wait(10)
        while True:
            progress(0, 1)

    def failing(progress: Progress) -> None:
        failed.set()
        raise ValueError("no such system")

    with pytest.raises(ValueError, match="no such system"):
        side_by_side([endless, failing, endless], silent)
