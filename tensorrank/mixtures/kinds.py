"""The models by the names that files and the command line give them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.tensorial_mixture import TensorialMixture

KINDS: Mapping[str, type[Mixture]] = MappingProxyType(
    {model.kind: model for model in (LatentClass, HiddenMarkov, LatentTree, TensorialMixture, Hierarchical, SumProduct)}
)
