"""A stored run read with ArviZ alone: nothing of thermalize is imported, so it may be read anywhere.

    python examples/stored_run.py RUN

``RUN/store.zarr`` holds one ArviZ tree for each arm: outputs of the network on the probe inputs in
``predictions``, dims (chain, draw, probe, class), with the true targets beside them, and losses in
``sample_stats``. SGD's networks are draws too, one chain each. Prints for every arm how many
networks there are, their mean training loss (nats per datum), and the accuracy and log score of
their averaged prediction; then, for chains, the largest R-hat and the smallest effective sample
size over all outputs. Takes seconds.
"""

import sys
from pathlib import Path

import arviz as az
import numpy as np
from scipy.special import log_expit, logsumexp

tree = az.from_zarr(Path(sys.argv[1]) / "store.zarr")
if tree.attrs["likelihood"]["name"] == "gaussian":
    sys.exit("this script reads classifications")

print("arm        networks  train loss  accuracy  log score")
for name, arm in tree.children.items():
    usable = np.array([sentence == "ok" for sentence in arm.attrs["status"]])
    logits = arm["predictions"]["logits"].values[usable].astype(float)
    logits = logits.reshape(-1, *logits.shape[2:])  # (network, probe, class)
    if logits.shape[-1] == 1:  # one logit, of the second of two classes
        logs = np.concatenate([log_expit(-logits), log_expit(logits)], axis=-1)
    else:
        logs = logits - logsumexp(logits, axis=-1, keepdims=True)
    averaged = logsumexp(logs, axis=0) - np.log(len(logs))  # (probe, class) log probabilities
    targets = arm["predictions_constant_data"]["probe_targets"].values
    accuracy = np.mean(averaged.argmax(axis=-1) == targets)
    score = np.mean(averaged[np.arange(len(targets)), targets])
    loss = float(arm["sample_stats"]["loss"].values[usable].mean())
    print(f"{name:<10} {len(logits):8d} {loss:11.3f} {accuracy:9.3f} {score:10.3f}")

for name, arm in tree.children.items():
    sizes = arm["predictions"].sizes
    if sizes["draw"] > 1:
        worst = float(az.rhat(arm, group="predictions")["logits"].max())
        fewest = float(az.ess(arm, group="predictions")["logits"].min())
        print(f"{name}: largest R-hat {worst:.3f}, smallest effective sample size {fewest:.0f}")
