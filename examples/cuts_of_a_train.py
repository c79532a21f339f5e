"""One train of tensors represents little correlation between its halves, and exponentially much between odd and even.

Draws a train of 8 sites with two cuts, and beside each bound the rank that is computed for these cores.
Run: python examples/cuts_of_a_train.py [--quick]
"""

import sys
from pathlib import Path

import tensorrank as tr
from tensorrank.networks.tensor_train import TensorTrain

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)

network = TensorTrain.random((2,) * 8, 2, seed=0).to_network()
for name, partition in (("halves", tr.Bipartition.halves(8)), ("interleaved", tr.Bipartition.interleaved(8))):
    rank = tr.separation_rank(network.architecture(), partition)
    figure, axes = network.picture(partition)
    print(f"{name}: {axes.get_title()}; computed {rank.value} ({rank.standing})")
    axes.set_title(f"{axes.get_title()}; computed: {rank.value} ({rank.standing})", fontsize=10)
    print("picture:", tr.figures.save(figure, out / f"cuts_of_a_train_{name}")[0])

# The interleaved rank doubles with every two sites, the other stays.
for sites in range(4, 13 if quick else 21, 4):
    longer = TensorTrain.random((2,) * sites, 2, seed=0).to_network().architecture()
    halves, interleaved = (
        tr.separation_rank(longer, partition) for partition in (tr.Bipartition.halves(sites), tr.Bipartition.interleaved(sites))
    )
    print(f"{sites} sites: halves {halves.value} ({halves.standing}), ", end="")
    print(f"interleaved {interleaved.value} ({interleaved.standing})")
