"""PyTorch modules as numerical models, without PyTorch: a stand-in that keeps its manners."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from oracles import inner_product

from tensorrank.separation.numerical import numerical_separation_rank
from tensorrank.separation.numerical_model import NumericalModel


class FakeTensor:
    """As much of a tensor as a module's inputs and outputs need."""

    def __init__(self, array, *, attached=False):
        self.array, self.attached = array, attached

    device = "cpu"

    @property
    def shape(self):
        return self.array.shape

    @property
    def dtype(self):
        return self.array.dtype

    def is_floating_point(self):
        return self.array.dtype.kind == "f"

    def to(self, device, dtype=None):
        assert device == "cpu"
        return FakeTensor(self.array if dtype is None else self.array.astype(dtype))

    def detach(self):
        return FakeTensor(self.array)

    def cpu(self):
        return self

    def __array__(self, dtype=None, copy=None):
        if self.attached:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        return self.array


class FakeModule:
    """As much of torch.nn.Module as a user's module has."""

    def __init__(self, compute, dtype, parts=()):
        self.compute, self.parts, self.training, self.seen = compute, parts, True, set()
        self.weights = [FakeTensor(np.zeros(1, dtype=np.int64)), FakeTensor(np.ones(1, dtype=dtype))]

    def modules(self):
        return [self, *self.parts]

    def children(self):
        return iter(self.parts)

    def parameters(self):
        return iter(self.weights)

    def buffers(self):
        return iter(())

    def eval(self):
        for part in self.modules():
            part.training = False

    def __call__(self, *tensors):
        assert all(type(tensor) is FakeTensor for tensor in tensors)
        self.seen.add((self.training, FakeTorch.gradients, *(tensor.dtype for tensor in tensors)))
        for part in self.parts:
            if isinstance(part, FakeEmbedding):
                part.look_up(tensors[0])
        return FakeTensor(self.compute(*(tensor.array for tensor in tensors)), attached=FakeTorch.gradients)


class FakeEmbedding(FakeModule):
    """As much of torch.nn.Embedding as tells it: it looks up the inputs, or positions of its own."""

    def __init__(self, tokens, positions=None):
        super().__init__(None, np.float64)
        self.num_embeddings, self.positions, self.hooks = tokens, positions, []

    def register_forward_pre_hook(self, hook):
        self.hooks.append(hook)
        return SimpleNamespace(remove=lambda: self.hooks.remove(hook))

    def look_up(self, ids):
        given = ids if self.positions is None else FakeTensor(self.positions)
        for hook in self.hooks:
            hook(self, (given,))
        if given.is_floating_point():
            raise TypeError("tokens have to be whole")


class FakeTorch:
    gradients = True
    nn = SimpleNamespace(Module=FakeModule, Embedding=FakeEmbedding)

    @staticmethod
    def as_tensor(array):
        return FakeTensor(array)

    class no_grad:  # noqa: N801, as torch names it
        def __enter__(self):
            FakeTorch.gradients = False

        def __exit__(self, *_):
            FakeTorch.gradients = True


@pytest.fixture
def torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", FakeTorch)


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize(("dtype", "epsilon"), [(np.float32, 2.0**-23), (np.float64, 2.0**-52)])
def test_a_torch_module_gets_tensors_of_its_type_in_evaluation_mode(dtype, epsilon):
    part = FakeModule(None, dtype)
    part.training = False
    module = FakeModule(lambda x: inner_product(x)[:, None], dtype, [part])
    found = numerical_separation_rank(NumericalModel(module, 2, site_shape=3))
    assert found.value == 3
    assert found.spectrum.relative_threshold == pytest.approx(128 * epsilon)
    assert module.seen == {(False, False, np.dtype(dtype))}
    # Afterwards all is as it was.
    assert (module.training, part.training, FakeTorch.gradients) == (True, False, True)


@pytest.mark.usefixtures("torch")
def test_a_torch_module_of_categorical_inputs_gets_whole_numbers():
    table = np.array([[1.0, 2.0], [2.0, 4.0]])  # rank 1
    module = FakeModule(lambda x: table[x[:, 0], x[:, 1]], np.float64)
    model = NumericalModel(module, 2, sampler=lambda rng, shape: rng.integers(0, 2, shape))
    assert numerical_separation_rank(model).value == 1
    assert module.seen == {(False, False, np.dtype(np.int64))}


@pytest.mark.usefixtures("torch")
def test_a_torch_module_of_pairs_gets_two_tensors():
    module = FakeModule(lambda a, b: a[:, 0] @ b[:, 0].T, np.float64)
    assert numerical_separation_rank(NumericalModel(module, 2, site_shape=4, form="pairs")).value == 4


@pytest.mark.usefixtures("torch")
def test_a_torch_module_that_fails_gets_its_mode_back():
    module = FakeModule(lambda x: 1 / 0, np.float64)
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        numerical_separation_rank(NumericalModel(module, 2))
    assert module.training


@pytest.mark.usefixtures("torch")
def test_a_torch_module_that_fails_says_what_it_was_given():
    module = FakeModule(None, np.float32, [FakeModule(None, np.float32), FakeEmbedding(11)])
    with pytest.raises(TypeError, match="tokens have to be whole") as caught:
        numerical_separation_rank(NumericalModel(module, 2, sampler=lambda rng, shape: rng.random(shape)))
    (of_module, of_model) = caught.value.__notes__
    assert of_module == (
        "the module FakeModule was given tensors: float32 of shape (4096, 2) on cpu. It has an embedding of 11 tokens: if it "
        "reads token ids, give categorical=11"
    )
    assert "for float64 inputs of shape (4096, 2)" in of_model


@pytest.mark.usefixtures("torch")
def test_a_torch_module_that_looks_up_its_inputs_gets_token_ids():
    table = np.random.default_rng(0).standard_normal((5, 5))
    module = FakeModule(lambda x: table[x[:, 0], x[:, 1]], np.float32, [FakeEmbedding(5), FakeModule(None, np.float32)])
    model = NumericalModel(module, 2)
    assert model.categorical == (5, 5)
    found = numerical_separation_rank(model)
    assert (found.value, found.samples) == (5, (5, 5))
    assert module.seen == {(False, False, np.dtype(np.int64))}
    # Nothing is left behind, and inputs that are no single numbers are taken as they come.
    assert module.parts[0].hooks == []
    assert NumericalModel(module, 2, site_shape=3).categorical is None
    assert NumericalModel(module, 2, sampler=lambda rng, shape: rng.integers(3, size=shape)).categorical is None


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize("positions", [[[0, 1]], [0, 1], [[0, 0]]])
def test_embeddings_of_anything_but_the_inputs_are_passed_over(positions):
    def values(x):
        return x[:, 0] * x[:, 1]

    places = FakeEmbedding(2, np.array(positions))
    tokens = FakeModule(values, np.float32, [places, FakeEmbedding(9)])
    assert NumericalModel(tokens, 2).categorical == (9, 9)
    numbers = FakeModule(values, np.float32, [places])
    assert NumericalModel(numbers, 2).categorical is None
    assert numerical_separation_rank(NumericalModel(numbers, 2)).value == 1


@pytest.mark.usefixtures("torch")
def test_a_torch_module_that_cannot_be_watched_is_taken_as_it_comes():
    def refuse(hook):
        raise RuntimeError("not supported on ScriptModules")

    table = FakeEmbedding(5)
    table.register_forward_pre_hook = refuse
    assert NumericalModel(FakeModule(None, np.float32, [table]), 2).categorical is None


def test_modules_of_pytorch_itself_get_what_their_embeddings_look_up():
    torch = pytest.importorskip("torch")

    class WithPositions(torch.nn.Module):
        """Positions stand before tokens, in the order in which the layers were made."""

        def __init__(self, inputs):
            super().__init__()
            self.places, self.inputs, self.last = torch.nn.Embedding(4, 3), inputs, torch.nn.Linear(12, 1)

        def forward(self, x):
            x = x if isinstance(self.inputs, torch.nn.Embedding) else x[..., None]
            return self.last((self.inputs(x) + self.places(torch.arange(4))).flatten(1))

    tokens, numbers = WithPositions(torch.nn.Embedding(9, 3)), WithPositions(torch.nn.Linear(1, 3))
    assert NumericalModel(tokens, 4).categorical == (9, 9, 9, 9)
    assert NumericalModel(numbers, 4).categorical is None
    assert NumericalModel(torch.nn.EmbeddingBag(5, 1), 3).categorical == (5, 5, 5)
    assert all(not part._forward_pre_hooks for part in tokens.modules())
    assert tokens.training
    # A sum of functions of one token each.
    assert numerical_separation_rank(NumericalModel(tokens.double(), 4)).value == 2
    assert numerical_separation_rank(NumericalModel(numbers.double(), 4)).value == 2


def test_a_module_of_pytorch_itself_reads_token_ids():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    # Of three tokens the mean of two embeddings, a sum of functions of one token each: rank 2.
    bag = torch.nn.Sequential(torch.nn.Embedding(7, 4), torch.nn.Flatten(), torch.nn.Linear(12, 1))
    model = NumericalModel(bag.double(), 3)
    assert model.categorical == (7, 7, 7)
    found = numerical_separation_rank(model, [0])
    assert (found.value, found.samples, found.spectrum.ambiguous) == (2, (7, 49), False)


def test_a_plain_function_may_give_tensors_with_a_graph():
    model = NumericalModel(lambda x: FakeTensor(x[:, 0] * x[:, 1], attached=True), 2)
    assert numerical_separation_rank(model).value == 1


def test_torch_is_not_imported():
    program = """
import sys
from tensorrank.separation.numerical import numerical_separation_rank
from tensorrank.separation.numerical_model import NumericalModel
numerical_separation_rank(NumericalModel(lambda x: x[:, 0], 2))
print("torch" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
