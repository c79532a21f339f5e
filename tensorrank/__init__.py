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
    from tensorrank import figures
    from tensorrank.arithmetic.elimination import rank_mod_p
    from tensorrank.arithmetic.spectrum import numerical_rank
    from tensorrank.attention import bounds
    from tensorrank.attention.architecture import SelfAttention
    from tensorrank.attention.softmax import SoftmaxAttention
    from tensorrank.circuits.convolutional import ConvolutionalCircuit
    from tensorrank.circuits.recurrent import RecurrentCircuit
    from tensorrank.errors import TensorRankError
    from tensorrank.networks.network import Tensor, TensorNetwork
    from tensorrank.separation.numerical import NumericalModel
    from tensorrank.separation.partition import Bipartition
    from tensorrank.separation.result import SeparationRank
    from tensorrank.separation.solve import separation_rank
    from tensorrank.studies.study import Study

__all__ = [
    "Bipartition",
    "ConvolutionalCircuit",
    "NumericalModel",
    "RecurrentCircuit",
    "SelfAttention",
    "SeparationRank",
    "SoftmaxAttention",
    "Study",
    "Tensor",
    "TensorNetwork",
    "TensorRankError",
    "__version__",
    "bounds",
    "figures",
    "numerical_rank",
    "rank_mod_p",
    "separation_rank",
]

# Names are loaded when first used, so that importing the package stays cheap.
_HOMES = {
    "Bipartition": "tensorrank.separation.partition",
    "ConvolutionalCircuit": "tensorrank.circuits.convolutional",
    "NumericalModel": "tensorrank.separation.numerical",
    "RecurrentCircuit": "tensorrank.circuits.recurrent",
    "SelfAttention": "tensorrank.attention.architecture",
    "SeparationRank": "tensorrank.separation.result",
    "SoftmaxAttention": "tensorrank.attention.softmax",
    "Study": "tensorrank.studies.study",
    "Tensor": "tensorrank.networks.network",
    "TensorNetwork": "tensorrank.networks.network",
    "TensorRankError": "tensorrank.errors",
    "numerical_rank": "tensorrank.arithmetic.spectrum",
    "rank_mod_p": "tensorrank.arithmetic.elimination",
    "separation_rank": "tensorrank.separation.solve",
}
_MODULES = {"bounds": "tensorrank.attention.bounds", "figures": "tensorrank.figures"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _MODULES:
        return import_module(_MODULES[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
