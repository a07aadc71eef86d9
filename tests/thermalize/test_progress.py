"""Progress speaks on its own stream only, seldom where nobody watches, and tells the truth about time."""

import io

import pytest
from rich.progress import Task

from thermalize.progress import _Rate, progress_on


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_elsewhere_than_on_a_terminal_a_line_comes_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    stream, clock = io.StringIO(), Clock()
    with progress_on(stream, clock) as reporter, reporter("hmc") as show:
        show(0, 1000)
        clock.now = 12.0  # compiling
        show(0, 1000)
        for done in range(100, 1001, 50):
            clock.now += 1.0
            show(done, 1000)
        show(1000, 1000)
    assert stream.getvalue().splitlines() == [
        "hmc: started",
        "hmc: compiling, warming up, 0:12 elapsed",
        "hmc: 550 of 1000 (55%), 0:22 elapsed, 0:09 left",  # 50 a second since the first 100
        "hmc: 1000 of 1000, 0:31 elapsed",
    ]
    assert capsys.readouterr() == ("", "")


def test_long_times_are_shown_in_hours() -> None:
    stream, clock = io.StringIO(), Clock()
    with progress_on(stream, clock) as reporter, reporter("hmc") as show:
        show(1, 10)
        clock.now = 3700.0
        show(2, 10)
    assert stream.getvalue().splitlines()[-1] == "hmc: 2 of 10 (20%), 1:01:40 elapsed, 8:13:20 left"


def test_on_a_terminal_each_arm_has_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    stream = Terminal()
    with progress_on(stream) as reporter:
        with reporter("hmc") as show:
            show(0, 600)
            show(300, 600)
            show(600, 600)
        with reporter("sgd") as show:
            show(0, 8)
    text = stream.getvalue()
    assert "hmc" in text
    assert "600/600" in text
    assert "compiling, warming up" in text
    assert capsys.readouterr() == ("", "")


def test_an_arm_that_fails_is_not_hidden() -> None:
    for stream in (io.StringIO(), Terminal()):
        with pytest.raises(KeyboardInterrupt), progress_on(stream) as reporter, reporter("hmc"):
            raise KeyboardInterrupt


@pytest.mark.parametrize(("completed", "says"), [(0, "compiling, warming up"), (50, "")])
def test_the_rate_is_silent_until_it_is_known(completed: int, says: str) -> None:
    task = Task(id=0, description="hmc", total=100, completed=completed, _get_time=lambda: 0.0)  # type: ignore[arg-type]
    assert _Rate().render(task).plain == says
