"""A made-up result in the layout that ``thermalize compare`` stores.

The numbers are all different from one another, so that a test can tell where each was
written.
"""

from typing import Any

UNIT = "in [0, 1]"


def make_result(
    regression: bool = False, trusted: bool = True, status_of: dict[str, list[str]] | None = None
) -> dict[str, Any]:
    """The result of such a run."""
    status_of = status_of or {n: ["ok"] * 4 for n in ("prior", "hmc", "control", "sgd", "adam")}
    gates = [
        (
            "largest R-hat",
            1.00437 if trusted else 1.0731,
            1.01,
            "chains agree on all 2004 behaviours that vary",
        ),
        (
            "smallest bulk ESS",
            1734.2 if trusted else 61.3,
            400.0,
            "independent draws, for the worst behaviour",
        ),
        (
            "diverging transitions",
            0.0,
            0.005,
            "share of transitions on which the integrator lost the trajectory",
        ),
    ]
    passed = [trusted, trusted, True]
    reason = (
        "equivalent in total variation of averages but different in energy distance"
        if trusted
        else "the reference did not pass its trust gates"
    )
    verdict = "PARTLY" if trusted else "INCONCLUSIVE"
    return {
        "command": "compare",
        "version": "0.1.0",
        "seed": 3,
        "verdict": verdict,
        "reason": reason,
        "statement": "A network trained by sgd is a draw from the posterior, as far as its behaviour tells.",
        "rule": "SUPPORTED: every distance is equivalent. REFUTED: none is. PARTLY: some are.",
        "headline": {
            "name": "closeness to the posterior (energy distance)",
            "value": 0.9041 if trusted else None,
            "low": 0.8873 if trusted else None,
            "high": 0.9212 if trusted else None,
        },
        "trust": {
            "passed": trusted,
            "gates": [
                {"name": n, "value": v, "threshold": t, "passed": p, "meaning": m}
                for (n, v, t, m), p in zip(gates, passed, strict=True)
            ],
        },
        "arms": [_arm_row(n, i, status_of[n], regression) for i, n in enumerate(status_of)],
        "comparisons": [
            _comparison(arm, i, j, regression) for i, arm in enumerate(("sgd", "adam")) for j in range(4)
        ],
        "controls": [
            {
                "name": "control",
                "expected": "EQUIVALENT",
                "outcome": "EQUIVALENT",
                "passed": True,
                "detail": "energy distance 0.0021, floor 0.0020: equivalent",
            },
            {
                "name": "prior",
                "expected": "DIFFERENT",
                "outcome": "DIFFERENT",
                "passed": True,
                "detail": "energy distance 0.613, floor 0.0020: different",
            },
        ],
        "behaviours": [
            _behaviour(arm, behaviour, i, j)
            for i, arm in enumerate(status_of)
            for j, behaviour in enumerate(
                ("root mean square error", "log score", "entropy")
                if regression
                else ("accuracy", "log score", "confidence", "entropy")
            )
        ],
        "verdicts": {
            "sgd": {"verdict": verdict, "reason": reason},
            "adam": {"verdict": "REFUTED" if trusted else verdict, "reason": "different in energy distance"},
        },
        "seconds": 41.7,
        "store": "runs/demo/store.zarr",
        "report": "runs/demo/report.html",
    }


def _arm_row(name: str, index: int, status: list[str], regression: bool) -> dict[str, Any]:
    role = {"prior": "ceiling", "hmc": "reference", "control": "control"}.get(name, "arm")
    return {
        "name": name,
        "role": role,
        "sampler": name,
        "law": "the posterior, exactly invariant",
        "stopping": "training loss at most 0.05 nats per datum" if role == "arm" else "",
        "num_chains": len(status),
        "num_draws": 1 if role == "arm" else 50,
        "num_usable": status.count("ok"),
        "effective_draws": None if role == "arm" else 1700.5 + index,
        "training_loss": 0.05123 + 0.00131 * index,
        "training_error": None if regression else 0.0137 + 0.0011 * index,
        "test_accuracy": None if regression else 0.8941 + 0.0017 * index,
        "log_score": -0.4123 - 0.0019 * index,
        "status_counts": {sentence: status.count(sentence) for sentence in dict.fromkeys(status)},
        "fit": {"num_never": 2, "share_never": 0.1667, "steps": {"low": 1713, "median": 1852, "high": 1991}}
        if role == "arm"
        else None,
        "evidence": None,
        "seconds": 5.21 + index,
    }


def _comparison(arm: str, i: int, j: int, regression: bool) -> dict[str, Any]:
    name = ("energy distance", "total variation of averages", "disagreement of averages", "classifier test")[
        j
    ]
    distance = (0.0731, 0.0412, 0.0327, 0.612)[j] + 0.0213 * i
    floor = (0.0023, 0.0352, 0.0251, 0.0171)[j]
    ceiling = (0.6131, 0.4812, 0.5127, 0.9712)[j]
    half = 0.0101 + 0.001 * j
    closeness = (ceiling - distance) / (ceiling - floor)
    return {
        "arm": arm,
        "name": name,
        "description": f"what the {name} measures, in words",
        "unit": UNIT,
        "bounded": True,
        "distance": distance,
        "interval": {"low": distance - half, "high": distance + half},
        "floor": {"mean": floor, "low": floor * 0.7, "high": floor * 1.4},
        "ceiling": {"mean": ceiling, "low": ceiling - 0.021, "high": ceiling + 0.019},
        "excess": {
            "value": distance - floor,
            "low": distance - half - floor,
            "high": distance + half - floor,
        },
        "closeness": {"value": closeness, "low": closeness - 0.021, "high": closeness + 0.019},
        "margin": 0.0305,
        "margin_text": "an excess of at most 0.0305 over the floor counts as equal",
        "outcome": ("DIFFERENT", "EQUIVALENT", "EQUIVALENT", "INCONCLUSIVE")[j],
        "num_left": 117 + i,
        "num_right": 211 + i,
        "among_left": 4096 if j in (0, 3) else 90007,
        "among_right": 423,
        "total_left": 90007,
        "total_right": 423,
    }


def _behaviour(arm: str, name: str, i: int, j: int) -> dict[str, Any]:
    mean = (0.8941, -0.4123, 0.8517, 0.4419)[j] + 0.0117 * i
    return {
        "arm": arm,
        "name": name,
        "mean": mean,
        "standard_deviation": 0.0211 + 0.001 * i,
        "low": mean - 0.0041,
        "high": mean + 0.0041,
    }
