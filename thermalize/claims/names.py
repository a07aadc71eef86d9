"""What the command line says of the claims before jax is loaded."""

RECORD, PAGE = "claim.json", "claim.html"  # in the folder of a settled claim
STATEMENTS = {
    "posterior_sample": "An endpoint of SGD is a random draw from the low-loss parameters.",
    "simple_is_large": "Simpler hypotheses have a larger volume of parameters.",
    "training_picks_simplest": "Training chooses the simplest hypothesis available.",
}
