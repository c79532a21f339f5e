import subprocess
import sys
from pathlib import Path

import pytest

from tensorrank import experiments, guidelines
from tensorrank.experiments.experiment import Experiment, ascending, told, within


@pytest.mark.parametrize("room", [experiments, guidelines])
def test_every_public_name_explains_itself_with_an_executed_example(room):
    for name in room.__all__:
        thing = getattr(room, name)
        if callable(thing):
            assert ">>>" in thing.__doc__, name
        assert name in dir(room)


def test_no_file_hides_a_public_name():
    # A file of the name would stand in its place once it is imported.
    files = {path.stem for path in Path(experiments.__file__).parent.glob("*.py")}
    assert not files & set(experiments.__all__)


def test_every_result_says_of_which_experiment_it_is():
    kinds = [one for one in map(experiments.__getattr__, experiments.__all__) if isinstance(one, type)]
    names = [kind.heading["experiment"] for kind in kinds if issubclass(kind, Experiment)]
    assert len(set(names)) == len(names) > 10


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"No tensorrank\.experiments attribute nonsense"):
        _ = experiments.nonsense


def test_names_are_loaded_when_they_are_used():
    code = "import tensorrank.experiments, sys; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_progress_of_parts_adds_up():
    said = []
    for place in range(2):
        part = within(lambda *step: said.append(step), place, 3, "part: ")
        assert list(told("ab", part, str.upper)) == ["a", "b"]
    assert list(told("c", lambda *step: said.append(step), str.upper, before=2)) == ["c"]
    assert said == [(0.0, 3, "part: A"), (0.5, 3, "part: B"), (1.0, 3, "part: A"), (1.5, 3, "part: B"), (2, 3, "C")]


def test_sizes_ascend_each_once():
    assert ascending("depths", (3, 1, 3)) == [1, 3]
