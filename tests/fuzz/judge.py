"""What is a failure: anything but a result or a TensorRankError."""

import re
import traceback
import warnings
from dataclasses import dataclass

from fuzz.target import Target

from tensorrank.errors import TensorRankError

# What Python itself says of a call that does not fit the signature, before any of our code runs.
_NOT_OUR_CALL = re.compile(
    "missing [0-9]+ required|unexpected keyword argument|takes .* argument|multiple values for|positional-only"
)
_LONGEST = 500


class NoInputError(Exception):
    """Raised by a target for an input that cannot be made, and so never reaches the library."""


@dataclass(frozen=True)
class Verdict:
    """What became of an input: "answered", "refused" (in words), "void" (no input), or "failed", and where."""

    kind: str
    message: str = ""
    where: str = ""


def judged(target: Target, given: object) -> Verdict:
    """Let the target consume an input, and judge what comes back."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target.consume(given)
    except TensorRankError as error:
        return Verdict("refused") if str(error).strip() else Verdict("failed", "a TensorRankError without words", _place(error))
    except NoInputError:
        return Verdict("void")
    except BaseException as error:
        if isinstance(error, TypeError) and _NOT_OUR_CALL.search(str(error)) and not frames(error):
            return Verdict("refused")
        return Verdict("failed", f"{type(error).__name__}: {_text(error)}"[:_LONGEST], _place(error))
    return Verdict("answered")


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as raised:
        return f"(its text raises {type(raised).__name__})"


def frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames of the error that are in the package."""
    return [frame for frame in traceback.extract_tb(error.__traceback__) if "/tensorrank/" in frame.filename]


def _place(error: BaseException) -> str:
    """The last two places in the package that the error passed, to tell failures apart."""
    last = frames(error)[-2:]
    return " < ".join(f"{frame.filename.rpartition('/tensorrank/')[2]}:{frame.lineno} {frame.name}" for frame in last[::-1])
