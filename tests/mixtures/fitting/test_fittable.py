"""What `fit` and `fit_report` have in common stands once, and reads as if it stood with each kind."""

import inspect

import pytest

import tensorrank as tr
from tensorrank.mixtures.fitting.options import FitOptions

KINDS = {
    tr.LatentClass: ["classes"],
    tr.HiddenMarkov: ["states", "homogeneous", "lengths"],
    tr.LatentTree: ["states", "tree", "branching"],
    tr.TensorialMixture: ["states", "shared"],
    tr.SumProduct: ["sums"],
}


@pytest.mark.parametrize("name", ["fit", "fit_report"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_option_is_named_and_explained(kind, name):
    method = getattr(kind, name)
    parameters = inspect.signature(method).parameters
    own = ["data", KINDS[kind][0], "random_state", *KINDS[kind][1:]]
    assert list(parameters)[: len(own)] == own
    assert set(parameters) == {*own, *FitOptions.__annotations__}
    documented = inspect.getdoc(method)
    assert all(f"\n    {option}: " in documented for option in parameters)
    assert "**options" not in documented
    assert [documented.count(f"\n{section}:\n") for section in ("Args", "Returns", "Raises")] == [1, 1, 1]
    assert (method.__name__, method.__qualname__) == (name, f"{kind.__name__}.{name}")


def test_fit_is_the_model_of_the_report():
    data = [[0, 0, 1, 1]] * 5 + [[1, 1, 0, 0]] * 5
    for kind in KINDS:
        report = kind.fit_report(data, 2, 3, iterations=4, tolerance=0)
        assert type(report.model) is kind
        assert kind.fit(data, 2, 3, iterations=4, tolerance=0).score(data) == report.model.score(data)
        assert report.to_dict()["iterations"] == 4
        assert "model" not in report.to_dict()


def test_subclasses_are_fitted_as_what_they_are():
    class Coins(tr.LatentClass):
        pass

    assert type(Coins.fit([[0, 1]] * 4 + [[1, 0]] * 4)) is Coins
