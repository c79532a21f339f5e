"""Every public name explains itself: `help` of it reads well alone, with an example that the doctests execute."""

import doctest
import inspect
import io
import re
import types

import numpy as np
import pytest

import tensorrank as tr

NAMES = [name for name in tr.__all__ if name != "__version__"]
MODULES = [name for name in NAMES if isinstance(getattr(tr, name), types.ModuleType)]
IN_MODULES = [(module, name) for module in MODULES for name in getattr(tr, module).__all__]
# The first word of a docstring that needs another text to be understood.
POINTERS = ("the same", "that of", "those of", "these", "they", "it ", "this one")


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_has_a_docstring_with_an_example(name):
    assert ">>> " in inspect.getdoc(getattr(tr, name))


@pytest.mark.parametrize(("module", "name"), IN_MODULES)
def test_every_name_of_a_public_module_has_a_docstring(module, name):
    one = getattr(getattr(tr, module), name)
    # Data, such as a table of known models, is explained by its type and its module.
    if inspect.isclass(one) or inspect.isroutine(one):
        assert inspect.getdoc(one)


@pytest.mark.parametrize("name", NAMES)
def test_no_docstring_of_a_public_name_begins_with_a_pointer_elsewhere(name):
    public = getattr(tr, name)
    members = vars(public).values() if inspect.isclass(public) else []
    texts = [inspect.getdoc(one) or "" for one in (public, *members) if inspect.isroutine(one) or one is public]
    assert [text for text in texts if text.lower().startswith(POINTERS)] == []


def examples(name):
    """The examples of a public class or function and of its public methods, with numpy as everybody imports it."""
    public = getattr(tr, name)
    members = {key: one for key, one in vars(public).items() if key[0] != "_"} if inspect.isclass(public) else {}
    finder, known = doctest.DocTestFinder(recurse=False), {one: getattr(tr, one) for one in NAMES}
    for one in (public, *(getattr(member, "__func__", member) for member in members.values())):
        yield from finder.find(one, name, globs=known | {"tr": tr, "np": np})


@pytest.mark.parametrize("name", [name for name in NAMES if name not in MODULES])
def test_every_example_can_be_typed_with_the_public_names_and_numpy(name):
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS, verbose=False)
    told = io.StringIO()
    for example in examples(name):
        runner.run(example, out=told.write)
    assert runner.failures == 0, told.getvalue()


# Parameters that take one of some names; some take other things, too.
CHOICES = {"atoms", "covariance", "densities", "engine", "kind", "method", "oracle", "pairs", "partition", "pooling"}
CHOICES |= {"precision", "quantity", "to", "tree", "counted_by", "form"}
# Answers, and what is named by users.
FREE = {("SeparationRank", "method"), ("Obstruction", "kind"), ("study", "kind"), ("UnitCheck", "precision")}
FREE |= {
    ("SelectionCheck", "precision"),
    ("StackCheck", "precision"),
    ("Approximation", "method"),
    ("Approximation", "atoms"),
    ("Entry", "partition"),
    ("ModelConfig", "counted_by"),
    ("ModelBound", "quantity"),
}


def callables():
    """Public functions, classes and methods by name, with what has their annotations."""
    for name, public in [(name, getattr(tr, name)) for name in NAMES if name not in MODULES] + [
        (name, getattr(getattr(tr, module), name)) for module, name in IN_MODULES
    ]:
        if inspect.isclass(public):
            yield name, public.__init__
            members = [getattr(one, "__func__", one) for key, one in vars(public).items() if key[0] != "_"]
            yield from ((name, member) for member in members if inspect.isfunction(member))
        elif inspect.isroutine(public):
            yield name, public


def test_texts_to_choose_from_are_literals_that_editors_complete():
    found, texts = set(), []
    for name, function in callables():
        plain = inspect.unwrap(function)
        for parameter in inspect.signature(function).parameters.values():
            if parameter.name not in CHOICES or (name, parameter.name) in FREE:
                continue
            # An annotation is a text, in which aliases stand for more.
            hint = str(parameter.annotation)
            aliases = {**vars(tr), **plain.__globals__}
            meant = " ".join([hint, *(repr(aliases[word]) for word in re.findall(r"\w+", hint) if word in aliases)])
            if re.search(r"\bstr\b|Literal", meant):
                found.add(parameter.name)
                texts += [] if "Literal" in meant else [(name, str(parameter))]
    assert not texts
    assert len(found) > 12
