"""Circuits of cirkit as sum-product networks or tensor networks, and sum-product networks as circuits of cirkit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, overload

import numpy as np

from tensorrank.arguments import one_of, shown
from tensorrank.arithmetic.arrays import Floats
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.formats.layered_circuits import Layer, network_of, sum_product_of
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.sum_product.nodes import LeafNode, Node, SumNode
from tensorrank.networks.network import TensorNetwork
from tensorrank.other_libraries import imported, of_another_type

# What pip installs: the package of the name cirkit is another.
_PACKAGE = "git+https://github.com/april-tools/cirkit"
_UNFOLDED = 'PipelineContext(backend="torch", semiring="sum-product", fold=False, optimize=False).compile(circuit)'


@overload
def from_cirkit(circuit: Any) -> SumProduct: ...
@overload
def from_cirkit(circuit: Any, *, to: Literal["sum-product"]) -> SumProduct: ...
@overload
def from_cirkit(circuit: Any, *, to: Literal["network"]) -> TensorNetwork: ...
def from_cirkit(circuit: Any, *, to: Literal["sum-product", "network"] = "sum-product") -> SumProduct | TensorNetwork:
    """The sum-product network or the tensor network that a circuit of cirkit is, with its present parameters.

    Parameters are taken as the circuit computes them, after softmax or whatever they pass through. A sum-product
    network is normalised; a tensor network keeps the values, whatever their signs. The ranks of both are those of the
    circuit.

    Args:
        circuit: a circuit that cirkit has compiled for PyTorch, with fold=False and optimize=False, of categorical or
            embedding inputs.
        to: "sum-product" (the default) for circuits without negative numbers, or "network" for those whose layers form
            a tree.

    Raises:
        TensorRankError: if cirkit is not installed, the object is another, has folded or optimised layers, inputs of
            another kind or several outputs, a sum is not smooth or a product not decomposable (named by its layer), or
            a number is negative or a layer used twice where that cannot be.

    Source: cirkit, a library of tensorised probabilistic circuits, https://github.com/april-tools/cirkit; Loconte et
    al., What is the Relationship between Tensor Factorizations and Circuits? (arXiv 2409.07953, read in its abstract).

    >>> from cirkit.pipeline import PipelineContext  # doctest: +SKIP
    >>> context = PipelineContext(backend="torch", semiring="sum-product", fold=False, optimize=False)  # doctest: +SKIP
    >>> model = from_cirkit(context.compile(symbolic))  # doctest: +SKIP
    >>> tr.separation_rank(model, "interleaved")  # doctest: +SKIP
    """
    one_of("to", to, ["sum-product", "network"])
    backend, torch = imported(_PACKAGE, "cirkit.backend.torch.circuits"), imported("torch", "torch")
    symbolic = imported(_PACKAGE, "cirkit.symbolic.circuit")
    if isinstance(circuit, symbolic.Circuit):
        raise TensorRankError(f"a symbolic circuit was given, whose parameters have no values; expected {_UNFOLDED}")
    if not isinstance(circuit, backend.TorchCircuit):
        raise of_another_type(circuit, f"a compiled circuit of cirkit, such as {_UNFOLDED}")
    with torch.no_grad():
        layers = _layers(circuit)
    return sum_product_of(layers) if to == "sum-product" else network_of(layers)


def to_cirkit(model: SumProduct) -> Any:
    """A symbolic circuit of cirkit with the nodes of a sum-product network as layers of one unit each.

    Its parameters are constants, in float64. A context of cirkit compiles it; in double precision after
    `torch.set_default_dtype(torch.float64)`.

    Args:
        model: a `SumProduct` of categorical variables; other mixtures become one by `reduce(model, "sum_product")`.

    Raises:
        TensorRankError: if cirkit is not installed, the model is another, has densities, or a variable of one value,
            which cirkit does not take.

    Source: cirkit, https://github.com/april-tools/cirkit.

    >>> import tensorrank as tr
    >>> circuit = to_cirkit(tr.SumProduct.random(4, symbols=2, seed=0))  # doctest: +SKIP
    >>> circuit.num_variables  # doctest: +SKIP
    4
    """
    if not isinstance(model, SumProduct):
        raise of_another_type(model, 'a SumProduct: reduce(model, "sum_product") gives one of other mixtures')
    if model.densities is not None:
        raise TensorRankError("the model has Gaussian densities; expected categorical variables")
    single = next((site for site, values in enumerate(model.shape) if values < 2), None)
    if single is not None:
        raise TensorRankError(f"variable {single} has one value; expected at least two, which cirkit needs")
    circuits, theirs = imported(_PACKAGE, "cirkit.symbolic.circuit"), imported(_PACKAGE, "cirkit.symbolic.layers")
    made: dict[Name, Any] = {}
    inputs: dict[Any, Sequence[Any]] = {}
    for name in model.order:
        node = model.nodes[name]
        children = () if isinstance(node, LeafNode) else node.children
        below = [made[child] for child in children]
        # A product of one child is that child.
        single_product = len(below) == 1 and not isinstance(model.nodes[name], SumNode)
        made[name] = below[0] if single_product else _their_layer(theirs, model.nodes[name], len(below))
        if not single_product:
            inputs[made[name]] = below
    return circuits.Circuit(list(inputs), inputs, [made[model.root]])


def _their_layer(theirs: Any, node: Node, arity: int) -> Any:
    match node:
        case LeafNode(variable=variable, distribution=table):
            scope = imported(_PACKAGE, "cirkit.utils.scope").Scope([variable])
            return theirs.CategoricalLayer(scope, 1, num_categories=len(table), probs=_constant(table))
        case SumNode(weights=weights):
            return theirs.SumLayer(1, 1, arity, weight=_constant(weights))
        case _:
            return theirs.HadamardLayer(1, arity)


def _constant(row: Any) -> Any:
    """A parameter of one row of constants."""
    parameters = imported(_PACKAGE, "cirkit.symbolic.parameters")
    values = np.array([row], dtype=np.float64)
    return parameters.Parameter.from_input(parameters.ConstantParameter(*values.shape, value=values))


def _layers(circuit: Any) -> list[Layer]:
    """The layers of a compiled circuit, those below before those above, the output last."""
    order = list(circuit.topological_ordering())
    outputs = list(circuit.outputs)
    if len(outputs) != 1:
        raise TensorRankError(f"the circuit has {len(outputs)} outputs; expected one")
    order = [one for one in order if one is not outputs[0]] + outputs
    places = {id(one): place for place, one in enumerate(order)}
    inner = imported(_PACKAGE, "cirkit.backend.torch.layers.inner")
    found = []
    for place, layer in enumerate(order):
        name = f"layer {place}"
        if layer.num_folds != 1:
            raise TensorRankError(f"{name} is {layer.num_folds} layers folded into one; expected {_UNFOLDED}")
        below = tuple(places[id(one)] for one in circuit.layer_inputs(layer))
        if type(layer) is inner.TorchSumLayer:
            found.append(Layer(f"sum {name}", "sum", below, _array(layer.weight, name), layer.num_output_units))
        elif type(layer) is inner.TorchHadamardLayer:
            found.append(Layer(f"product {name}", "Hadamard", below, None, layer.num_output_units))
        elif type(layer) is inner.TorchKroneckerLayer:
            found.append(Layer(f"product {name}", "Kronecker", below, None, layer.num_output_units))
        else:
            found.append(_input_layer(layer, name, bool(below)))
    return found


def _input_layer(layer: Any, name: str, above: bool) -> Layer:
    """An input layer by the values of its units."""
    theirs = imported(_PACKAGE, "cirkit.backend.torch.layers.input")
    if type(layer) is theirs.TorchEmbeddingLayer:
        table = _array(layer.weight, name)
    elif type(layer) is theirs.TorchCategoricalLayer and layer.logits is None:
        table = _array(layer.probs, name)
    elif type(layer) is theirs.TorchCategoricalLayer:
        with np.errstate(over="ignore"):
            table = _finite(np.exp(_array(layer.logits, name)), name)
    else:
        expected = "sums and Hadamard or Kronecker products" if above else "categorical or embedding inputs"
        raise TensorRankError(
            f"{name} is a {type(layer).__name__}; expected {expected}" + (f", as {_UNFOLDED} has them" if above else "")
        )
    return Layer(f"input {name}", "input", (), table, layer.num_output_units, int(layer.scope_idx.ravel()[0]))


def _array(parameter: Any, name: str) -> Floats:
    """The present values of a parameter of one fold."""
    values = parameter()[0].detach().cpu()
    if values.is_complex():
        raise TensorRankError(f"{name} has complex parameters; expected real ones")
    return _finite(values.double().numpy(), name)


def _finite(values: Any, name: str) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if not np.isfinite(found).all():
        raise TensorRankError(f"{name} has the parameter {shown(float(found[~np.isfinite(found)][0]))}; expected finite ones")
    return found
