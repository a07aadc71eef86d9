"""Claims: planted laws get the verdict they deserve; the command prints, stores and refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import pytest
import xarray as xr
from typer.testing import Result

from compare import Verdict, count_functions, unpack_labels
from models import boolean_task, input_rows, majority
from thermalize.claims.baseline import shuffled
from thermalize.claims.boolean import completions, complexities, system
from thermalize.claims.catalogue import CLAIMS
from thermalize.claims.claim import Case, Check, settled, together
from thermalize.claims.names import RECORD, STATEMENTS
from thermalize.claims.simple_is_large import _case as volume_case
from thermalize.claims.simplicity import Hypotheses, kind_of, percentile
from thermalize.claims.training_picks_simplest import _cases as training_cases

from .commands import refused, run

type Array = np.ndarray
EVERY = np.arange(256, dtype=np.uint8)[:, None]  # all functions of 3 bits
COMPLEXITY = complexities(EVERY, 8)
ONES = unpack_labels(EVERY, 8).sum(axis=1)


def drawn(weights: Array, num: int = 1 << 16) -> Array:
    """Independent functions of 3 bits with these weights."""
    rng = np.random.default_rng(0)
    return EVERY[rng.choice(256, size=num, p=weights / weights.sum())]


@pytest.mark.parametrize(
    ("weights", "verdict"),
    [
        (2.0**-COMPLEXITY, Verdict.SUPPORTED),
        (2.0 ** (COMPLEXITY - 15), Verdict.REFUTED),
        (3.0 ** -np.minimum(ONES, 8 - ONES), Verdict.INCONCLUSIVE),  # simple, by class frequencies alone
    ],
    ids=["simple is likely", "simple is unlikely", "class frequencies only"],
)
def test_volume_of_planted_laws(weights: Array, verdict: Verdict) -> None:
    case, _ = volume_case(drawn(weights), system(3), seed=0)
    assert (case.verdict, all(check.passed for check in case.checks)) == (verdict, True), case.reason


def test_too_few_draws_give_no_verdict() -> None:
    case, _ = volume_case(drawn(2.0**-COMPLEXITY, 400), system(3), seed=0)
    assert case.verdict == Verdict.INCONCLUSIVE
    assert "functions seen in both halves" in case.reason


SIMPLE, UNIFORM = 2.0 ** -(COMPLEXITY / 2), np.ones(256)


def picked(choose: Callable[[Array], Array], weights: Array, num_prior: int = 1 << 14) -> Case:
    """The case at first fit where endpoints are chosen among the functions that fit, by complexity."""
    task = boolean_task(jax.random.key(0), majority(3), 4)
    prior = drawn(weights, num_prior)
    halves = count_functions(prior[::2]), count_functions(prior[1::2])
    fitting = completions(input_rows(np.asarray(task.train.inputs)), np.asarray(task.train.targets), 8)
    endpoints = fitting[choose(complexities(fitting, 8))]
    every = np.ones(len(endpoints), bool)
    found = training_cases(system(3), task, "majority", "sgd", halves, [(endpoints, every)] * 2, seed=0)
    return found[0][0]


def simplest(complexity: Array) -> Array:
    return np.full(300, complexity.argmin())


def hardest(complexity: Array) -> Array:
    return np.full(300, complexity.argmax())


def test_training_that_picks_by_complexity() -> None:
    low, high = picked(simplest, SIMPLE), picked(hardest, SIMPLE)
    assert (low.verdict, high.verdict) == (Verdict.SUPPORTED, Verdict.REFUTED), (low.reason, high.reason)
    assert [low.numbers[0].value, high.numbers[0].value] == [1.0, 0.0]
    assert low.numbers[4].high is not None
    assert high.numbers[4].low is not None
    assert low.numbers[4].high < 0.5 < high.numbers[4].low


def test_where_all_that_fit_is_as_simple_as_the_posterior_there_is_no_verdict() -> None:
    for choose in (simplest, hardest):
        case = picked(choose, UNIFORM)
        assert case.verdict == Verdict.INCONCLUSIVE
        assert "functions that fit, all alike, are not" in case.reason


def test_few_exact_draws_give_no_verdict() -> None:
    case = picked(simplest, SIMPLE, num_prior=1 << 10)
    assert (case.verdict, case.numbers) == (Verdict.INCONCLUSIVE, [])
    assert "exact draws of the posterior" in case.reason


def test_kind_and_percentile_by_hand() -> None:
    available = Hypotheses(EVERY, COMPLEXITY)
    rng = np.random.default_rng(0)
    sample = drawn(2.0**-COMPLEXITY, 4000)
    kind = kind_of(count_functions(sample), available, rng)
    values = COMPLEXITY[sample[:, 0]]
    assert kind.least.value == pytest.approx(np.mean(values == COMPLEXITY.min()))
    assert (kind.median.value, kind.quartile.value) == tuple(
        np.quantile(values, [0.5, 0.25], method="inverted_cdf")
    )
    assert kind.least.low < kind.least.value < kind.least.high
    other = COMPLEXITY[drawn(np.ones(256), 3000)[:, 0]]
    by_hand = np.mean((other[:, None] > values) + 0.5 * (other[:, None] == values))
    found = percentile(
        count_functions(drawn(np.ones(256), 3000)), count_functions(sample), available, rng, 0.95
    )
    assert found.value == pytest.approx(by_hand)
    same = percentile(count_functions(sample), count_functions(sample), available, rng, 0.95)
    assert same.value == pytest.approx(0.5)


def test_shuffles_keep_the_number_of_ones_and_completions_keep_the_labels() -> None:
    rng = np.random.default_rng(0)
    assert (unpack_labels(shuffled(EVERY, 8, rng), 8).sum(axis=1) == ONES).all()
    rows, labels = np.array([6, 0, 3]), np.array([1, 0, 1])
    found = completions(rows, labels, 8)
    tables = unpack_labels(EVERY, 8)
    assert sorted(found[:, 0].tolist()) == EVERY[(tables[:, rows] == labels).all(axis=1), 0].tolist()


def test_cases_together() -> None:
    yes, no, open_ = (
        Case("a", {}, verdict, "", [], [])
        for verdict in (Verdict.SUPPORTED, Verdict.REFUTED, Verdict.INCONCLUSIVE)
    )
    assert together([yes, yes])[0] == Verdict.SUPPORTED
    assert together([no, no])[0] == Verdict.REFUTED
    assert together([yes, no])[0] == together([yes, open_])[0] == Verdict.PARTLY
    assert together([no, open_])[0] == Verdict.INCONCLUSIVE
    assert settled(Verdict.SUPPORTED, "so it is", [Check("a", True, "")]) == (Verdict.SUPPORTED, "so it is")


# Compiling takes most of a small preset: those that need more than a few seconds run in make certify.
QUICK = {"simple_is_large", "training_picks_simplest"}
SMOKED = [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.certify]) for n in sorted(CLAIMS)]


@pytest.fixture(scope="module", params=SMOKED)
def smoked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("claims") / request.param
    return folder, run("claim", request.param, "--preset", "smoke", "--out", folder, "--json")


def test_the_command_prints_one_object_and_keeps_it(smoked: tuple[Path, Result]) -> None:
    folder, result = smoked
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert printed == json.loads((folder / RECORD).read_text())
    assert printed["statement"] == STATEMENTS[printed["claim"]] == CLAIMS[printed["claim"]].statement
    assert printed["verdict"] in set(Verdict)
    assert {"command", "version", "seed", "headline", "trust", "seconds", "store", "report"} <= printed.keys()
    tree = xr.open_datatree(folder / "store.zarr", engine="zarr", consolidated=False)
    assert tree.children
    for arm in tree.children.values():
        variables = arm["predictions"].data_vars
        assert variables
        assert all(variable.dims[:2] == ("chain", "draw") for variable in variables.values())
    page = (folder / "claim.html").read_text()
    assert printed["verdict"] in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert all(case["name"] in page for case in printed["cases"])


def test_a_settled_claim_is_shown_again_and_not_written_over(
    smoked: tuple[Path, Result], tmp_path: Path
) -> None:
    folder, result = smoked
    record, page = (folder / RECORD).read_bytes(), (folder / "claim.html").read_text()
    assert run("show", folder, "--json").stdout == result.stdout
    shown = " ".join(run("show", folder).stdout.split())
    assert json.loads(result.stdout)["statement"] in shown
    (folder / "claim.html").write_text("lost")
    assert run("report", folder).stdout.strip() == str(folder / "claim.html")
    assert (folder / "claim.html").read_text() == page
    refused(run("claim", folder.name, "--out", folder), "already holds a run | --overwrite")
    refused(run("resume", folder), "settled claim, not a run | thermalize claim")
    assert (folder / RECORD).read_bytes() == record
    (tmp_path / "mine.txt").write_text("mine")
    refused(run("claim", folder.name, "--out", tmp_path, "--overwrite"), "not empty | choose another --out")
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_claim_takes_the_place_of_another_in_one_step(tmp_path: Path) -> None:
    folder = tmp_path / "claim"
    first = json.loads(run("claim", "simple_is_large", "--preset", "smoke", "--out", folder, "--json").stdout)
    again = run(
        "claim",
        "simple_is_large",
        "--preset",
        "smoke",
        "--out",
        folder,
        "--overwrite",
        "--seed",
        "1",
        "--json",
    )
    assert (first["seed"], json.loads(again.stdout)["seed"]) == (0, 1)
    assert json.loads((folder / RECORD).read_text())["seed"] == 1
    assert {path.name for path in tmp_path.iterdir()} == {"claim"}


def test_listed_and_refused() -> None:
    listed = run("claim").stdout
    assert all(name in listed for name in CLAIMS)
    assert set(CLAIMS) == set(STATEMENTS)
    refused(run("claim", "simple_is_larg"), "unknown claim: 'simple_is_larg' | did you mean simple_is_large?")
