"""Random networks with bonds, copy tensors and shared open legs, and their dense tensors by brute force."""

import string

import numpy as np
from hypothesis import strategies as st

from tensorrank.networks.network import Tensor, TensorNetwork


@st.composite
def networks(draw, least_sites=2, largest=9):
    """Up to five tensors, eight legs of dimension 1 to 3, each in one to three tensors; single ones are open."""
    count = draw(st.integers(1, 5))
    holders = [
        draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=min(3, count)))
        for _ in range(draw(st.integers(least_sites, 8)))
    ]
    sizes = [draw(st.integers(1, 3)) for _ in holders]
    is_open = [len(who) == 1 or draw(st.booleans()) or leg < least_sites for leg, who in enumerate(holders)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    tensors = []
    for number in range(count):
        legs = [leg for leg, who in enumerate(holders) if number in who]
        rng.shuffle(legs)
        array = rng.integers(-largest, largest + 1, [sizes[leg] for leg in legs])
        tensors.append(Tensor(f"t{number}", tuple(f"leg {leg}" for leg in legs), array))
    sites = [f"leg {leg}" for leg in rng.permutation(len(holders)) if is_open[leg]]
    return TensorNetwork(tuple(tensors), tuple(sites))


def dense(network, inputs=None):
    """The dense tensor in Python's whole numbers by one numpy.einsum, all of it at once.

    With inputs, one array (count, dimension) for each site, the values at each of them instead.
    """
    letters = dict(zip(network.sizes, string.ascii_lowercase, strict=False))
    terms = ["".join(letters[leg] for leg in tensor.legs) for tensor in network.tensors]
    arrays = [tensor.array.astype(object) for tensor in network.tensors]
    output = "".join(letters[leg] for leg in network.open_legs)
    if inputs is not None:
        terms += ["Z" + letter for letter in output]
        arrays += [np.asarray(array).astype(object) for array in inputs]
        output = "Z"
    return np.einsum(f"{','.join(terms)}->{output}", *arrays, optimize=False)
