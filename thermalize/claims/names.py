"""What the command line says of the claims before jax is loaded."""

RECORD, PAGE = "claim.json", "claim.html"  # in the folder of a settled claim
STATEMENTS = {
    "posterior_sample": "An endpoint of SGD is a random draw from the low-loss parameters.",
    "memorising_is_small": "Memorising needs nearly all parameters and so a small volume; a pattern few.",
    "confident_on_noise": "Networks trained on random labels are confidently wrong, not uncertain.",
    "pattern_distils": "A pattern uses few parameters: networks that learned one distil into small students.",
    "nearby_worlds": "Networks that do well in training do well in nearby environments.",
    "prunes_and_survives": "Good subnetworks are why networks survive pruning and damage.",
    "grokking_is_search": "Grokking: the rule has more volume than memory, but local search finds it late.",
    "simple_is_large": "Simpler hypotheses have a larger volume of parameters.",
    "subnetworks_selected": "Training strengthens those random subnetworks that help.",
    "training_picks_simplest": "Training chooses the simplest hypothesis available.",
}
