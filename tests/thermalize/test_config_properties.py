"""Configurations damaged at random: each is accepted, and means what it says, or is refused in words."""

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thermalize.arms import KINDS
from thermalize.config import make_config, read_toml, stored_layer
from thermalize.errors import UserError
from thermalize.factorial_design import COUNTS, POSITIVE, make_design
from thermalize.settings import RUN, SECTIONS

from .commands import fake_pipeline, run

VALID = """preset = "quick"
seed = 3
[task]
name = "digits"
label_noise = 0.1
[model]
widths = [16, 8]
prior = "student_t"
degrees_of_freedom = 5.0
[batch]
lanes = 16
[arms.slow]
kind = "sgd"
learning_rate = 0.01
stops = ["first_fit", "loss<=0.1"]
[arms.hmc]
num_draws = 40
[arms.prior]
role = "ceiling"
"""
DESIGN = 'optimiser = ["sgd", "adam"]\nstopping = [0, 500]\nlearning_rate = 2.0\nbits = 4\nseed = 1\n'

PATHS = [*RUN, *SECTIONS, "arms"]
PATHS += [f"{section}.{key}" for section, table in SECTIONS.items() for key in table]
OPTIONS = sorted({key for kind in KINDS.values() for key in kind.options} | {"kind", "role"})
PATHS += [f"arms.{arm}.{key}" for arm in ("slow", "hmc", "new") for key in OPTIONS] + ["arms.slow"]
WORDS = [word for table in SECTIONS.values() for option in table.values() for word in option.words]
NUMBERS = st.integers() | st.floats() | st.sampled_from([0, 1, -1, 2**31, 2**63, 10**400, 1e-40, 1e39])
LEAVES = (
    st.integers(1, 9)
    | st.floats(0.1, 0.9)
    | NUMBERS
    | st.booleans()
    | st.text(max_size=9)
    | st.sampled_from([*WORDS, *KINDS, "full", "loss<=-1"])
)
DATES = st.dates() | st.times() | st.datetimes()
VALUES = st.recursive(
    LEAVES | DATES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)
PLACE = [HealthCheck.function_scoped_fixture]  # the folder and the pipeline that runs nothing serve all


def written(value: Any) -> str:
    """As TOML."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False)
        case datetime.date() | datetime.time():
            return value.isoformat()
        case list():
            return f"[{', '.join(map(written, value))}]"
        case dict():
            return f"{{{', '.join(f'{written(key)} = {written(item)}' for key, item in value.items())}}}"
    return str(value)


def tables(values: Mapping[str, Any]) -> str:
    """A configuration whose tables are written in lines of their own."""
    return "\n".join(f"{written(key)} = {written(value)}" for key, value in values.items())


def changed(values: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    key, _, rest = path.partition(".")
    if not rest:
        return {**values, key: value}
    below = values.get(key, {})
    return {**values, key: changed(below if isinstance(below, dict) else {}, rest, value)}


def cut(text: str, at: float, length: int, instead: str) -> str:
    """A slice of the text replaced."""
    start = int(at * len(text))
    return text[:start] + instead + text[start + length :]


TEXTS = st.builds(
    cut,
    st.just(VALID),
    st.floats(0, 1),
    st.integers(0, 12),
    st.text(max_size=4) | st.sampled_from("[]\"='#.\n"),
)


def accepted_or_refused(text: str, folder: Path, calls: list[Any]) -> None:
    file = folder / "my.toml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    calls.clear()
    result = run("compare", "--config", "my.toml")
    shown = f"{text}\n{result.output}"
    if result.exit_code == 0:
        (config, *_), *_ = calls
        assert make_config(stored_layer(json.loads(json.dumps(config.arguments())))) == config, shown
        return
    assert result.exit_code == 2, shown
    assert isinstance(result.exception, SystemExit), shown
    assert calls == [], shown
    lines = result.stderr.splitlines()
    assert lines[0].startswith("error: "), shown
    assert "  why: " in result.stderr, shown
    assert "  fix: " in result.stderr, shown
    assert len(result.stderr) < 3000, shown
    assert not {chr(c) for c in range(32)} - {"\n"} & set(result.stderr), shown


@settings(suppress_health_check=PLACE)
@given(
    edits=st.lists(st.tuples(st.sampled_from(PATHS) | st.text(max_size=5), VALUES), min_size=1, max_size=3)
)
def test_settings_changed_at_random(
    edits: list[tuple[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "valid.toml").write_text(VALID)
    values = dict(read_toml(tmp_path / "valid.toml").values)
    for path, value in edits:
        values = changed(values, path, value)
    accepted_or_refused(tables(values), tmp_path, fake_pipeline(monkeypatch, tmp_path))


@settings(suppress_health_check=PLACE)
@given(text=TEXTS)
def test_text_changed_at_random(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accepted_or_refused(text, tmp_path, fake_pipeline(monkeypatch, tmp_path))


@settings(suppress_health_check=PLACE)
@given(key=st.sampled_from([*COUNTS, *POSITIVE, "optimiser", "bits", "target", "seed"]), value=VALUES)
def test_a_design_changed_at_random(key: str, value: Any, tmp_path: Path) -> None:
    file = tmp_path / "design.toml"
    file.write_text(DESIGN)
    given = dict(read_toml(file).values)
    file.write_text(tables({**given, key: value}), encoding="utf-8", errors="surrogatepass")
    refusal = ""
    try:
        design = make_design(read_toml(file).values)
        assert make_design({**design.levels, "bits": design.bits, "target": design.target})
    except UserError as error:
        refusal = str(error)
    assert not refusal or ("  why: " in refusal and "  fix: " in refusal), refusal


def test_the_configuration_that_is_damaged_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake_pipeline(monkeypatch, tmp_path)
    (tmp_path / "my.toml").write_text(VALID)
    assert run("compare", "--config", "my.toml").exit_code == 0
    assert len(calls) == 1
