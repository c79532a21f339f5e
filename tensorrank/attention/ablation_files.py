"""Tables of an ablation: CSV with a row for each trained network."""

from __future__ import annotations

import csv
import io
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from tensorrank.attention.ablation import Ablation
from tensorrank.attention.crossings import Curve
from tensorrank.errors import TensorRankError, finite_number

_USUAL_RULE = 12.0
# Layers that are made alike have about equally many parameters by d^2; biases and norms matter in narrow ones.
_ALIKE = 1.25

# Losses, and their errors where they are given, by size, by depth.
_Runs = Mapping[int, Mapping[float, list[tuple[float, float | None]]]]


def read_ablation(path: str | Path, *, rule: float | None = None) -> Ablation:
    """The losses of a CSV file with columns depth, parameters or width (or both), loss, and perhaps error.

    Parameters are those without embeddings. Rows of equal depth and size are networks trained more than once: their
    losses are averaged, and where no errors are given, the scatter of all such rows about their means is taken as the
    error of each single loss. Other columns are left alone.

    Args:
        path: of the file.
        rule: parameters of a layer over d^2; where it is not given, that of the file if it has both parameters and
            widths, otherwise 12.

    Raises:
        TensorRankError: naming the file and the line, if it cannot be read, columns are missing, a value is no number
            of the kind expected, there is one depth only, or a depth has one size only.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise TensorRankError(f"{path} cannot be read ({error.strerror or error}); expected a CSV file") from error
    except UnicodeDecodeError as error:
        raise TensorRankError(f"{path}: byte {error.start} is no UTF-8 text; expected a CSV file") from error
    try:
        return _ablation(text, rule)
    except TensorRankError as error:
        raise TensorRankError(f"{path}: {error}") from error


def _ablation(text: str, rule: float | None) -> Ablation:
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    columns = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    _check_columns(columns)
    reader.fieldnames = columns
    try:
        rows = [(reader.line_num, row) for row in reader if any(value for value in row.values())]
    except csv.Error as error:
        raise TensorRankError(f"line {reader.line_num}: {error}; expected CSV") from error
    if not rows:
        raise TensorRankError("there are no rows below the header; expected one for each trained network")
    both = "parameters" in columns and "width" in columns
    layer = finite_number("rule", rule) if rule is not None else _rule_of(rows) if both else _USUAL_RULE
    if layer <= 0:
        raise TensorRankError(f"rule is {layer:g}; expected a number above 0, the parameters of a layer over d^2")
    runs: dict[int, dict[float, list[tuple[float, float | None]]]] = defaultdict(lambda: defaultdict(list))
    for line, row in rows:
        depth = _positive(row, "depth", line)
        if depth != int(depth):
            raise TensorRankError(f"line {line}: depth is {row['depth']!r}; expected a whole number of layers")
        size = _positive(row, "parameters", line) if "parameters" in columns else (
            layer * depth * _positive(row, "width", line) ** 2
        )  # fmt: skip
        given = _positive(row, "error", line) if (row.get("error") or "").strip() else None
        runs[int(depth)][size].append((_number(row, "loss", line), given))
    if len(runs) == 1:
        raise TensorRankError(
            f"all networks have depth {next(iter(runs))}; expected two depths or more, so that one can overtake another"
        )
    return Ablation(tuple(_curves(runs)), layer)


def _check_columns(columns: list[str]) -> None:
    missing = [name for name in ("depth", "loss") if name not in columns]
    if "parameters" not in columns and "width" not in columns:
        missing.insert(min(1, len(missing)), "parameters or width")
    if missing:
        hint = "; the columns seem to be separated by something else than commas" if len(columns) == 1 else ""
        raise TensorRankError(
            f"the column{'s' * (len(missing) > 1)} {', '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing "
            f"from the header {', '.join(filter(None, columns)) or '(none)'}; expected depth, parameters or width, "
            f"loss, and perhaps error{hint}"
        )


def _number(row: Mapping[str, str | None], name: str, line: int) -> float:
    given = row.get(name)
    try:
        return finite_number(name, float(given or ""))
    except ValueError as error:
        raise TensorRankError(f"line {line}: {name} is {given!r}; expected a finite number") from error


def _positive(row: Mapping[str, str | None], name: str, line: int) -> float:
    number = _number(row, name, line)
    if number <= 0:
        raise TensorRankError(f"line {line}: {name} is {row[name]!r}; expected a number above 0")
    return number


def _rule_of(rows: Iterable[tuple[int, Mapping[str, str | None]]]) -> float:
    """Parameters by L d^2, if that is about the same in all rows."""
    rules = sorted(
        _positive(row, "parameters", line) / (_positive(row, "depth", line) * _positive(row, "width", line) ** 2)
        for line, row in rows
    )
    if rules[-1] > _ALIKE * rules[0]:
        raise TensorRankError(
            f"parameters / (depth x width^2) goes from {rules[0]:.3g} to {rules[-1]:.3g}; expected about the same of "
            "all networks: parameters without embeddings, or leave one of the two columns out"
        )
    return rules[len(rules) // 2]


def _curves(runs: _Runs) -> Iterable[Curve]:
    pooled = _pooled_error(runs)
    for depth in sorted(runs):
        sizes = sorted(runs[depth])
        if len(sizes) == 1:
            raise TensorRankError(f"depth {depth} has one size only, {sizes[0]:,.0f}; expected two or more")
        of_size = [runs[depth][size] for size in sizes]
        errors = [_error_of_mean([error for _, error in values], pooled) for values in of_size]
        yield Curve(
            depth,
            tuple(sizes),
            tuple(math.fsum(loss for loss, _ in values) / len(values) for values in of_size),
            None if None in errors else tuple(error for error in errors if error is not None),
            tuple(len(values) for values in of_size),
        )


def _error_of_mean(errors: list[float | None], pooled: float | None) -> float | None:
    known = [pooled if error is None else error for error in errors]
    return None if None in known else math.sqrt(math.fsum(e * e for e in known if e is not None)) / len(known)


def _pooled_error(runs: _Runs) -> float | None:
    """The scatter of a single loss, from networks trained more than once; None where there are none, or no scatter."""
    groups = [[loss for loss, _ in values] for sizes in runs.values() for values in sizes.values() if len(values) > 1]
    if not groups:
        return None
    squares = math.fsum((loss - math.fsum(group) / len(group)) ** 2 for group in groups for loss in group)
    return math.sqrt(squares / sum(len(group) - 1 for group in groups)) or None
