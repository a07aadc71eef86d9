"""What a fit of the temperature says: verdict by the rule, plain values, and one page."""

from collections.abc import Mapping, Sequence
from typing import Any

from .claims.claim import Curve, Number
from .claims.figures import pictures_of
from .family import MIN_RUNGS, Fit, Rung, trusted
from .figures import drawing
from .pages import environment

RULE = (
    "REFUTED: the distance that remains at the nearest posterior is beyond what a sample of that posterior "
    "would leave, 95 % bands apart. INCONCLUSIVE: anything else (a distance near its floor shows nothing "
    "beyond what was measured), or a pass with fewer than "
    f"{MIN_RUNGS} inverse temperatures at which its populations agree."
)


def judged(fit: Fit, passes: Mapping[float, Sequence[Rung]]) -> dict[str, Any]:
    """Verdict, headline, gates and fits of a result."""
    gates = []
    for scale, rungs in passes.items():
        num = len(trusted(rungs))
        meaning = "; ".join(fit.left_out[scale]) or "populations agree at every inverse temperature"
        gates.append(
            {
                "name": f"trusted inverse temperatures at prior scale {scale:g}",
                "value": num,
                "threshold": MIN_RUNGS,
                "passed": num >= MIN_RUNGS,
                "meaning": f"of {len(rungs)}: {meaning}",
            }
        )
    passed, member = all(gate["passed"] for gate in gates), fit.member
    headline: dict[str, Any] = {
        "name": "nearest inverse temperature",
        "value": None,
        "low": None,
        "high": None,
    }
    verdict, best = "INCONCLUSIVE", None
    if member is not None:
        headline |= dict(zip(("value", "low", "high"), member.beta, strict=True))
        best = {**member._asdict(), **_bands(member), "exceeds_floor": member.exceeds_floor}
        best["scale_region"] = best.pop("scales")
    if not passed or member is None:
        wrong = [f"{g['name']}: {g['value']}, {g['meaning']}" for g in gates if not g["passed"]]
        reason = f"a pass is not trusted: {'; '.join(wrong)}"
    else:
        further = "the nearest may lie beyond, search on with --betas and --prior-scales"
        edge = f", at an end of what was searched ({further})" if member.at_edge else ""
        where = f"beta {member.beta.mean:.3g} and prior scale {member.scale:g}{edge}"
        found = f"{member.remaining.mean:.3g} remains, floor up to {member.floor.high:.3g}"
        if member.exceeds_floor and not member.at_edge:
            verdict, reason = "REFUTED", f"nearest at {where}, where more than the floor remains: {found}"
        else:
            words = (
                "more than the floor remains" if member.exceeds_floor else "no more than the floor remains"
            )
            reason = f"nearest at {where}, where {words}: {found}"
    return {
        "verdict": verdict,
        "reason": reason,
        "headline": headline,
        "best": best,
        "trust": {"passed": passed, "gates": gates},
        "fits": [
            {
                "prior_scale": scale,
                **_bands(found),
                "at_edge": found.at_edge,
                "betas": [rung.beta for rung in trusted(passes[scale])],
                "distances": found.distances,
            }
            for scale, found in fit.fits.items()
        ],
        "losses": [
            {"prior_scale": scale, "betas": [r.beta for r in rungs], "loss": [r.loss.mean() for r in rungs]}
            for scale, rungs in passes.items()
        ],
    }


def _bands(found: Any) -> dict[str, Any]:
    return {name: getattr(found, name)._asdict() for name in ("beta", "remaining", "floor")}


def page(result: Mapping[str, Any]) -> str:
    """The result as one HTML page that needs nothing else."""
    betas = sorted({beta for fit in result["fits"] for beta in fit["betas"]})
    if result["fits"]:
        at = [dict(zip(fit["betas"], fit["distances"], strict=True)) for fit in result["fits"]]
        series = {
            f"prior scale {fit['prior_scale']:g}": [Number("", known.get(beta), None, None) for beta in betas]
            for fit, known in zip(result["fits"], at, strict=True)
        }
        curve = Curve(
            "How far the endpoints are from the posterior at every temperature",
            "Squared energy distance between endpoints and posterior; dashed is the upper end of the floor "
            "at the nearest one.",
            "inverse temperature",
            "squared energy distance",
            betas,
            series,
            result["best"]["floor"]["high"],
            log_x=True,
        )
    with drawing():
        pictures = pictures_of([curve] if result["fits"] else [])
    return environment().get_template("temperature.html").render(result=result, pictures=pictures)
