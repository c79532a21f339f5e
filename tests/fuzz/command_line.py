"""The command line within this process: what a user sees of a run, held against what every verb promises."""

import json
import sys
import traceback
from typing import Any


def invoke(arguments: list[str]) -> str:
    """Run the program; returns what it prints.

    Raises what the program would end with as a traceback, and AssertionError where it leaves with a code that
    is not promised, or prints anything but one JSON object after --json.
    """
    from command_line import PARTS, invoked

    from tensorrank.errors import TensorRankError

    digits = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)  # as `main` does
    try:
        done: Any = invoked(arguments)
    finally:
        sys.set_int_max_str_digits(digits)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    text = done.output
    if "Traceback (most recent call last)" in text:
        raise AssertionError(f"a traceback is printed: {text[-300:]}")
    # 1: ranks of a study were skipped, or the limits left an entry of the atlas undecided.
    left_open = {"study", "verify"} & set(arguments) and done.exit_code == 1
    if done.exit_code not in (0, 2) and not left_open:
        raise AssertionError(
            f"the exit code is {done.exit_code}: {text[-300:]} {traceback.format_exception(done.exception)[-1]}"
        )
    shows_help = "--help" in arguments or "-h" in arguments or "--version" in arguments
    if "--json" in arguments and not shows_help and "--" not in arguments:
        values = json.loads(done.stdout)  # with Python's own limits: whole numbers beyond 2^53 are text
        if not isinstance(values, dict) or (done.exit_code == 2) != (list(values) == PARTS):
            raise AssertionError(f"after --json, with exit code {done.exit_code}: {done.stdout[:300]}")
    if done.exit_code == 2:
        raise TensorRankError(text.strip() or "(nothing is said)")
    return str(text)
