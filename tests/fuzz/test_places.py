"""No call that is made up asks Python itself for hours or gigabytes, before tensorrank is called."""

import ast
import resource
import subprocess
import sys
import time
from random import Random

from fuzz.good_calls import CALLS, namespace
from fuzz.hostile import EVERYTHING, WRAPPED, Freedom, lists
from fuzz.places import freedom_beneath, places
from fuzz.public_calls import generate
from fuzz.runner import child_environment

# What Python may take for a part of a call.
MOST_MEMORY, MOST_SECONDS = 2**28, 2.0


def expressions():
    """The values of all arguments of good calls, and all hostile values."""
    for text in CALLS:
        yield from (keyword.value for keyword in ast.parse(text, mode="eval").body.keywords)
    yield from (ast.parse(text, mode="eval").body for some in EVERYTHING for text in some)


def parts_that_python_computes(node):
    """The operators and calls of other libraries that are in no other one."""
    if isinstance(node, ast.Call | ast.BinOp | ast.UnaryOp) and freedom_beneath(node) < Freedom.ANY:
        yield node
        return
    for part in ast.iter_child_nodes(node):
        yield from parts_that_python_computes(part)


def changed_parts():
    """The texts of all such parts as they are, and with every value in each of their places."""
    parts = {ast.unparse(part) for whole in expressions() for part in parts_that_python_computes(whole)}
    texts = set(parts)
    for text in parts:
        part = ast.parse(text, mode="eval").body
        for place in places(part):
            if place.number and place.freedom == Freedom.COPIED:  # the entries of an array are alike
                continue
            old = getattr(place.node, place.field)
            old = old if place.number is None else old[place.number]
            place.put(ast.Name("PLACE"))
            changed = ast.unparse(part)
            texts |= {changed.replace("PLACE", f"({value})") for some in lists(place.freedom) for value in some}
            place.put(old)
    return sorted(texts)


def evaluate_all():
    """Evaluate these texts in bounded memory; returns what takes too long or too much, and how many there are."""
    names, parts, wrong = dict(namespace()), changed_parts(), []
    with open("/proc/self/statm", encoding="ascii") as file:
        reserved = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (reserved + MOST_MEMORY, reserved + MOST_MEMORY))
    for text in parts:
        sys.stderr.write(f"{text}\n")  # the last one is at fault if this process ends or hangs
        start = time.process_time()
        try:
            eval(text, dict(names))
        except MemoryError:
            wrong.append(f"{text} takes too much memory")
        except Exception:  # what cannot be evaluated reaches no function
            continue
        if time.process_time() - start > MOST_SECONDS:
            wrong.append(f"{text} takes too long")
    return wrong, len(parts)


def test_python_evaluates_every_part_of_a_call_soon_and_in_little_memory(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", "import fuzz.test_places as t; print(t.evaluate_all())"]
    with open(tmp_path / "parts", "w+b") as parts:
        done = subprocess.run(command, env=child_environment(), stdout=subprocess.PIPE, stderr=parts, timeout=300, check=False)
        parts.seek(max(0, parts.tell() - 500))
        assert done.returncode == 0, parts.read()
    wrong, count = ast.literal_eval(done.stdout.decode())
    assert wrong == []
    assert count > 1000


def test_exponents_are_small_and_written_as_they_are():
    exponents = [
        node.right
        for case in range(3000)
        for node in ast.walk(ast.parse(generate(Random(f"exponents {case}"))))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow | ast.LShift)
    ]
    assert len(exponents) > 30
    assert all(not any(isinstance(part, ast.BinOp) for part in ast.walk(one)) for one in exponents)
    assert max(one.value for one in exponents if isinstance(one, ast.Constant) and isinstance(one.value, int)) <= 5000


def test_every_hostile_value_is_an_expression_within_all_that_it_is_put_into():
    for some in EVERYTHING:
        for text in some:
            for wrapped in WRAPPED:
                ast.parse(wrapped.format(text), mode="eval")
