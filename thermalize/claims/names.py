"""What the command line says of the claims before jax is loaded."""

RECORD, PAGE = "claim.json", "claim.html"  # in the folder of a settled claim
STATEMENTS = {
    "confident_on_noise": "Networks trained on random labels are confidently wrong, not uncertain.",
    "pattern_distils": "A pattern uses few parameters: networks that learned one distil into small students.",
    "nearby_worlds": "Networks that do well in training do well in nearby environments.",
    "simple_is_large": "Simpler hypotheses have a larger volume of parameters.",
    "training_picks_simplest": "Training chooses the simplest hypothesis available.",
}
