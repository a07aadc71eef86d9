"""What the command line says of the claims before jax is loaded."""

RECORD, PAGE = "claim.json", "claim.html"  # in the folder of a settled claim
STATEMENTS = {
    "memorising_is_small": "Memorising needs nearly all parameters and has a small volume; a pattern leaves most free.",
    "simple_is_large": "Simpler hypotheses have a larger volume of parameters.",
    "training_picks_simplest": "Training chooses the simplest hypothesis available.",
}
