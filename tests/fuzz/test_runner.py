"""The runner finds what it must: wrong exceptions, hangs, broken processes; and what it finds can be repeated."""

import os
import time
from random import Random

import pytest
from fuzz import runner
from fuzz.judge import NoInputError, judged
from fuzz.target import Target
from fuzz.targets import TARGETS

from tensorrank.errors import TensorRankError


def doing(what):
    return Target("doing", lambda stream: stream.randrange(3), what, cases=3)


def raising(error):
    def consume(given):
        raise error

    return doing(consume)


def test_a_result_and_a_refusal_in_words_are_no_failures():
    assert judged(doing(lambda given: given), 1).kind == "answered"
    assert judged(raising(TensorRankError("depth is 0; expected 1")), 1).kind == "refused"
    assert judged(raising(NoInputError()), 1).kind == "void"
    # Python itself says what a function does not take.
    assert judged(doing(lambda given: Random(1, 2, 3)), 1).kind == "refused"


def test_what_a_function_of_the_user_raises_by_itself_is_no_failure_of_the_library():
    def kind(function):
        call = f"tr.numerical_separation_rank(tr.NumericalModel({function}, sites=2), samples=8)"
        return judged(TARGETS["public_calls"], call).kind

    assert kind("lambda x: x[:, 0] * x[:, 1]") == "answered"
    assert kind("lambda x: [None][:, 0] * x[:, 1]") == "void"
    # Its arguments are the library's to get right.
    assert kind("lambda x, more: x[:, 0]") in ("failed", "refused")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        TypeError("x"),
        RecursionError(),
        MemoryError(),
        SystemExit(3),
        KeyboardInterrupt(),
        TensorRankError(" "),
    ],
    ids=repr,
)
def test_anything_else_is_a_failure(error):
    assert judged(raising(error), 1).kind == "failed"


def test_the_same_case_has_the_same_input():
    for target in TARGETS.values():
        assert repr(target.given(5, 3)) == repr(target.given(5, 3))
        assert len({repr(target.given(0, case)) for case in range(20)}) > 10


def test_hangs_and_broken_processes_are_counted_and_the_rest_goes_on(monkeypatch, tmp_path):
    consume = {"3": "import time; time.sleep(30)", "5": "import os; os._exit(9)", "7": "raise ValueError('seven')"}
    (tmp_path / "sitecustomize.py").write_text(
        "import fuzz.target as t\nimport sys, types\n"
        f"consume = {consume!r}\n"
        "module = types.ModuleType('fuzz.targets')\n"
        "class Numbered(t.Target):\n"
        "    def given(self, seed, case): return str(case)\n"
        "module.TARGETS = {'wrong': Numbered('wrong', None, lambda given: exec(consume.get(given, '')), 9)}\n"
        "sys.modules['fuzz.targets'] = module\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(runner._TESTS), str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(runner, "LONGEST_ASLEEP", 1.0)

    class Numbered(Target):
        def given(self, seed, case):
            return str(case)

    start = time.monotonic()
    report = runner.run(Numbered("wrong", None, None, 9), 0, 0, 9)
    assert time.monotonic() - start < 60
    assert [(failure.case, failure.message) for failure in report.failures] == [
        (3, "no answer in 20 s"),
        (5, "the process ended with 9"),
        (7, "ValueError: seven"),
    ]
    assert (report.answered, report.cases) == (6, 9)
