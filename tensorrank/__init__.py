"""How much correlation between two parts of its input can an architecture represent?

tensorrank computes separation ranks exactly over finite fields and certifies them against proven bounds.

>>> import tensorrank as tr
>>> tr.separation_rank(tr.SelfAttention(depth=2, width=2)).value
18
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tensorrank.version import __version__

if TYPE_CHECKING:
    from tensorrank import experiments, figures, guidelines, tasks, units
    from tensorrank.arithmetic.elimination.rank import rank_mod_p
    from tensorrank.arithmetic.spectrum import numerical_rank
    from tensorrank.attention import bounds
    from tensorrank.attention.architecture import SelfAttention
    from tensorrank.attention.softmax import SoftmaxAttention
    from tensorrank.circuits.convolutional import ConvolutionalCircuit
    from tensorrank.circuits.recurrent import RecurrentCircuit
    from tensorrank.errors import TensorRankError
    from tensorrank.mixtures.approximation.approximate import approximate
    from tensorrank.mixtures.formats.files import load, save
    from tensorrank.mixtures.gaussian import Gaussians
    from tensorrank.mixtures.hidden_markov import HiddenMarkov
    from tensorrank.mixtures.hierarchical import Hierarchical
    from tensorrank.mixtures.latent_class import LatentClass
    from tensorrank.mixtures.latent_tree import LatentTree
    from tensorrank.mixtures.reductions.equality import check_reduction
    from tensorrank.mixtures.reductions.reduce import reduce
    from tensorrank.mixtures.sum_product.model import SumProduct
    from tensorrank.mixtures.tensorial_mixture import TensorialMixture
    from tensorrank.networks.network import Tensor, TensorNetwork
    from tensorrank.separation.numerical import NumericalModel, numerical_separation_rank
    from tensorrank.separation.partition import Bipartition
    from tensorrank.separation.plan import plan
    from tensorrank.separation.result import SeparationRank
    from tensorrank.separation.solve import separation_rank
    from tensorrank.studies.store import Store
    from tensorrank.studies.study import Study

__all__ = [
    "Bipartition",
    "ConvolutionalCircuit",
    "Gaussians",
    "HiddenMarkov",
    "Hierarchical",
    "LatentClass",
    "LatentTree",
    "NumericalModel",
    "RecurrentCircuit",
    "SelfAttention",
    "SeparationRank",
    "SoftmaxAttention",
    "Store",
    "Study",
    "SumProduct",
    "Tensor",
    "TensorNetwork",
    "TensorRankError",
    "TensorialMixture",
    "__version__",
    "approximate",
    "bounds",
    "check_reduction",
    "experiments",
    "figures",
    "guidelines",
    "load",
    "numerical_rank",
    "numerical_separation_rank",
    "plan",
    "rank_mod_p",
    "reduce",
    "save",
    "separation_rank",
    "tasks",
    "units",
]

# Names are loaded when first used, so that importing the package stays cheap.
_HOMES = {
    "Bipartition": "tensorrank.separation.partition",
    "ConvolutionalCircuit": "tensorrank.circuits.convolutional",
    "Gaussians": "tensorrank.mixtures.gaussian",
    "HiddenMarkov": "tensorrank.mixtures.hidden_markov",
    "Hierarchical": "tensorrank.mixtures.hierarchical",
    "LatentClass": "tensorrank.mixtures.latent_class",
    "LatentTree": "tensorrank.mixtures.latent_tree",
    "NumericalModel": "tensorrank.separation.numerical",
    "RecurrentCircuit": "tensorrank.circuits.recurrent",
    "SelfAttention": "tensorrank.attention.architecture",
    "SeparationRank": "tensorrank.separation.result",
    "SoftmaxAttention": "tensorrank.attention.softmax",
    "Store": "tensorrank.studies.store",
    "Study": "tensorrank.studies.study",
    "SumProduct": "tensorrank.mixtures.sum_product.model",
    "Tensor": "tensorrank.networks.network",
    "TensorNetwork": "tensorrank.networks.network",
    "TensorRankError": "tensorrank.errors",
    "TensorialMixture": "tensorrank.mixtures.tensorial_mixture",
    "approximate": "tensorrank.mixtures.approximation.approximate",
    "check_reduction": "tensorrank.mixtures.reductions.equality",
    "load": "tensorrank.mixtures.formats.files",
    "numerical_rank": "tensorrank.arithmetic.spectrum",
    "numerical_separation_rank": "tensorrank.separation.numerical",
    "plan": "tensorrank.separation.plan",
    "rank_mod_p": "tensorrank.arithmetic.elimination.rank",
    "reduce": "tensorrank.mixtures.reductions.reduce",
    "save": "tensorrank.mixtures.formats.files",
    "separation_rank": "tensorrank.separation.solve",
}
_MODULES = {
    "bounds": "tensorrank.attention.bounds",
    "experiments": "tensorrank.experiments",
    "figures": "tensorrank.figures",
    "guidelines": "tensorrank.guidelines",
    "tasks": "tensorrank.tasks",
    "units": "tensorrank.units",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _MODULES:
        return import_module(_MODULES[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
