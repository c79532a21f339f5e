"""No hostile input ends in anything but a result or a `TensorRankError`: some of every target, with fixed seeds.

What fails is printed as an input that can be a test in the folder of what is at fault. `make fuzz` tries more.
"""

import ast
import inspect
import types

import pytest
from fuzz.good_calls import CALLS, INTERNAL, namespace
from fuzz.judge import judged
from fuzz.runner import run
from fuzz.targets import TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tensorrank as tr

# Each part has a process of its own, so that several processors share a target.
PART = 150
PARTS = [(name, first) for name, target in TARGETS.items() for first in range(0, target.cases, PART)]


@pytest.mark.parametrize(("name", "first"), PARTS)
def test_hostile_inputs_are_answered_or_refused_in_words(name, first):
    target = TARGETS[name]
    report = run(target, 0, first, min(first + PART, target.cases))
    assert not report.failures, "\n".join(map(str, report.failures))
    assert report.cases > PART / 4


@pytest.mark.parametrize("name", ["model_files", "configurations", "saved_fits", "ablation_tables"])
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(stream=st.randoms(use_true_random=False))
def test_inputs_that_hypothesis_chooses(name, stream, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.getbasetemp())
        verdict = judged(TARGETS[name], TARGETS[name].generate(stream))
    assert verdict.kind != "failed", verdict


def functions():
    """Every public function, and every public method of a class that users make, that takes arguments."""
    for module in (tr, *(getattr(tr, name) for name in tr.__all__ if isinstance(getattr(tr, name), types.ModuleType))):
        for name in module.__all__:
            public = getattr(module, name)
            if inspect.isfunction(public) and _takes_arguments(public):
                yield f"{module.__name__}.{name}", public
            elif inspect.isclass(public) and module is tr:
                for member, method in inspect.getmembers(public, callable):
                    if not member.startswith("_") and member not in INTERNAL and _takes_arguments(method):
                        yield f"{name}.{member}", getattr(method, "__func__", method)


def _takes_arguments(method):
    try:
        return bool(set(inspect.signature(method).parameters) - {"self"})
    except ValueError:
        return False


def test_every_public_function_is_called():
    names = namespace()
    texts = {ast.unparse(ast.parse(call, mode="eval").body.func) for call in CALLS}
    called = [eval(text, dict(names)) for text in texts]
    called = {getattr(one, "__func__", one) for one in called}
    # What is made when it is asked for, as `fit` is, is known by its name.
    assert [name for name, function in functions() if function not in called and f"tr.{name}" not in texts] == []
