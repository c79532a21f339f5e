"""Models of hmmlearn and tensorly as mixtures; each library is imported only when its adapter is called."""

from __future__ import annotations

from typing import Any

import numpy as np

from tensorrank.arithmetic.arrays import Floats
from tensorrank.arithmetic.given_arrays import as_floats
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical, Leaf, Node, Transfer
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.tables import TOLERANCE, Table, holds_fractions, nonnegative
from tensorrank.other_libraries import imported, of_another_type


def from_hmmlearn(model: Any, length: int) -> HiddenMarkov:
    """The hidden Markov model that one of hmmlearn is, for sequences of one length.

    Probabilities are kept as they are: a fit's rows sum to one only up to rounding.

    Args:
        model: a CategoricalHMM or GaussianHMM that was fitted, or whose attributes were filled in. A GaussianHMM has
            a Gaussian component for each state, so its emission table becomes the identity.
        length: the number of steps.

    Raises:
        TensorRankError: if hmmlearn is not installed, the model is of another class or lacks an attribute, or its
            rows do not sum to one within 1e-6.

    Source: hmmlearn, Hidden Markov Models in Python, https://hmmlearn.readthedocs.io.

    >>> from hmmlearn.hmm import CategoricalHMM
    >>> theirs = CategoricalHMM(2)
    >>> theirs.startprob_, theirs.transmat_ = np.array([0.5, 0.5]), np.array([[0.9, 0.1], [0.3, 0.7]])
    >>> theirs.emissionprob_ = np.array([[0.8, 0.2], [0.1, 0.9]])
    >>> from_hmmlearn(theirs, length=3)
    HiddenMarkov(3 variables, 2 states, 2 symbols, homogeneous)
    """
    hmm = imported("hmmlearn", "hmmlearn.hmm")
    if not isinstance(model, hmm.CategoricalHMM | hmm.GaussianHMM):
        raise of_another_type(model, "a CategoricalHMM or a GaussianHMM of hmmlearn")
    chain = (_fitted(model, "startprob_"), _fitted(model, "transmat_"))
    if isinstance(model, hmm.CategoricalHMM):
        return HiddenMarkov(*chain, _fitted(model, "emissionprob_"), length)
    means = as_floats(_fitted(model, "means_"), "the means_")
    densities = Gaussians(means, _covariances(model, means))
    return HiddenMarkov(*chain, np.eye(len(means)), length, densities=densities)


def from_tensorly(tensor: Any) -> LatentClass | Hierarchical:
    """The mixture of a nonnegative tensor format of tensorly whose entries sum to one.

    A CPTensor gives a latent class for each term of positive mass: the columns of its factors become distributions, and
    their masses go into the weights. A TTTensor gives a train: its cores become transfer tensors, unchanged, above
    leaves that are one-hot functions. The last core becomes a leaf.

    Args:
        tensor: a CPTensor or a TTTensor.

    Raises:
        TensorRankError: if tensorly is not installed, the object is another, has a negative entry, or does not sum to
            one: exactly for fractions, within 1e-6 for floats.

    Source: Kossaifi, Panagakis, Anandkumar, Pantic, TensorLy: Tensor Learning in Python (JMLR 20, 2019).

    >>> import tensorly
    >>> pair = tensorly.cp_tensor.CPTensor(([0.5, 0.5], [np.eye(2), np.array([[0.75, 0], [0.25, 1]])]))
    >>> from_tensorly(pair).probability([[0, 0], [0, 1], [1, 1]])
    array([0.375, 0.125, 0.5 ])
    """
    tensorly = imported("tensorly", "tensorly")
    if isinstance(tensor, tensorly.cp_tensor.CPTensor):
        factors = [
            nonnegative(_numpy(factor), f"factor {site} of the CPTensor", ["value", "term"]).T
            for site, factor in enumerate(tensor.factors)
        ]
        return _latent_class(nonnegative(_numpy(tensor.weights), "the array of weights", ["term"]), factors)
    if isinstance(tensor, tensorly.tt_tensor.TTTensor):
        axes = ["rank before", "value", "rank after"]
        return _train(
            [nonnegative(_numpy(core), f"core {site} of the TTTensor", axes) for site, core in enumerate(tensor.factors)]
        )
    raise of_another_type(tensor, "a CPTensor or a TTTensor of tensorly")


def _numpy(array: Any) -> Any:
    # tensorly's own way would drop the mask of a masked array.
    return array if isinstance(array, np.ndarray) else imported("tensorly", "tensorly").to_numpy(array)


def _latent_class(weights: Table, factors: list[Table]) -> LatentClass:
    masses = [factor.sum(axis=1) for factor in factors]
    for mass in masses:
        weights = weights * mass
    _check_total(weights.sum(), "the CPTensor", "its weights")
    kept = weights > 0
    return LatentClass(
        weights[kept], tuple(factor[kept] / mass[kept, None] for factor, mass in zip(factors, masses, strict=True))
    )


def _train(cores: list[Table]) -> Hierarchical:
    total = cores[-1].sum(axis=1)
    for core in reversed(cores[:-1]):
        total = core.sum(axis=1) @ total
    _check_total(total[0, 0], "the TTTensor", "its first core")
    nodes: list[Node] = [Leaf(len(cores) - 1, cores[-1][:, :, 0])]
    for site, core in reversed(list(enumerate(cores[:-1]))):
        one_hot = np.eye(core.shape[1], dtype=int if holds_fractions(core) else float)
        nodes += [Leaf(site, one_hot), Transfer((len(nodes), len(nodes) - 1), core)]
    return Hierarchical(tuple(nodes))


def _check_total(total: Any, what: str, scaled: str) -> None:
    if not abs(total - 1) <= (0 if not isinstance(total, float) else TOLERANCE):
        raise TensorRankError(
            f"the entries of {what} sum to {total}; expected 1: divide {scaled} by the sum, if it is positive"
        )


def _covariances(model: Any, means: Floats) -> Floats:
    """The covariances that hmmlearn scores with: variances, or for each state a matrix.

    The public `covars_` are made of them, and come out in a wrong shape for spherical ones that were fitted.
    """
    kept = as_floats(_fitted(model, "_covars_", "covars_"), "the covars_")
    shape = means.shape
    if model.covariance_type in ("full", "tied"):
        shape = (*shape, *shape[1:])
    elif kept.ndim == 1:  # one variance for all features of a state
        kept = kept[:, None]
    try:
        return np.broadcast_to(kept, shape)
    except ValueError:
        raise TensorRankError(
            f"the covars_ of the type {model.covariance_type!r} have the shape {kept.shape} beside means_ of the shape "
            f"{means.shape}; expected what fit or the attribute itself sets"
        ) from None


def _fitted(model: Any, name: str, public: str | None = None) -> Any:
    try:
        return getattr(model, name)
    except AttributeError:
        raise TensorRankError(
            f"the {type(model).__name__} has no {public or name}; expected a fitted model: call fit, or fill the attribute in"
        ) from None
