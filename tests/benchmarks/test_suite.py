"""The command: what it writes and prints, and what it refuses."""

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as suite
from benchmarks.rows import Goal, Row
from benchmarks.sections import Bench, Found


def invented(bench: Bench) -> Found:
    bench.say("working")
    row = Row("chains", "gradients", 1, 10.0, "1/s", "peer", 5.0, [2.0], Goal("at least", 3))
    curves = {
        "lanes": {"lanes": [4, 16], "endpoints a second": [1.0, None]},
        "nothing": {"lanes": [4, 16], "endpoints a second": [None, None]},
    }
    return Found([row], curves)


def interrupted(bench: Bench) -> Found:
    raise KeyboardInterrupt


@pytest.fixture
def sections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "SECTIONS", {"chains": invented, "stops": interrupted})


@pytest.mark.usefixtures("sections")
def test_a_run_writes_table_json_and_plots(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert suite.main(["--only", "chains", "--quick", "--out", str(tmp_path / "new" / "bench")]) == 0
    folder = tmp_path / "new" / "bench"
    names = {file.name for file in folder.iterdir()}
    assert names == {"bench.md", "bench.json", "ratios.png", "lanes.png"}
    shown = capsys.readouterr()
    assert shown.out == (folder / "bench.md").read_text().rstrip("\n") + "\n"
    assert "Quick run" in shown.out
    assert "] chains: working" in shown.err
    assert all((folder / name).read_bytes()[:4] == b"\x89PNG" for name in names if name.endswith("png"))


@pytest.mark.usefixtures("sections")
def test_json_goes_to_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert suite.main(["--only", "chains", "--json", "--out", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["quick"], found["rows"][0]["met"], found["rows"][0]["ratio"]["median"]) == (
        False,
        False,
        2.0,
    )


@pytest.mark.usefixtures("sections")
def test_sections_finished_before_an_interruption_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert suite.main(["--out", str(tmp_path)]) == 130
    assert len(json.loads((tmp_path / "bench.json").read_text())["rows"]) == 1
    assert "stopped; the sections that were finished are in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--only", "chain"], ["unknown section: 'chain'", "did you mean chains?"]),
        (["--only", ""], ["unknown section: ''", "choose from"]),
        (["--out", "{file}/below"], ["nothing can be written", "Not a directory", "--out"]),
        (["--torch-python", "no-such-python"], ["no such interpreter: 'no-such-python'", "full path"]),
    ],
)
def test_bad_input_ends_with_two_and_says_what_to_do(
    arguments: list[str], words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    out = [] if "--out" in arguments else ["--out", str(tmp_path)]
    assert suite.main([text.format(file=file) for text in arguments] + out) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    for word in words:
        assert word in shown.err


def test_an_option_that_does_not_exist_ends_with_two() -> None:
    with pytest.raises(SystemExit) as stopped:
        suite.main(["--fast"])
    assert stopped.value.code == 2
