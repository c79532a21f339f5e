"""Tables of an ablation: CSV with a row for each trained network."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from statistics import fmean

from tensorrank.arguments import file_path, shown
from tensorrank.errors import TensorRankError
from tensorrank.given_files.contents import text_of
from tensorrank.given_files.paths import in_a_line, named_in_errors
from tensorrank.guidelines.ablation import Ablation
from tensorrank.guidelines.crossings import Curve
from tensorrank.guidelines.transitions import positive

_USUAL_RULE = 12.0
# Layers that are made alike have about equally many parameters divided by d^2; biases and norms matter in narrow ones.
_ALIKE = 1.25

# Between sizes that differ by less a loss hardly changes, and a curve through both would only follow their noise.
_SAME_SIZE = 1.02
_LARGEST = 1e100
_DEEPEST = 10**6
_LARGEST_FILE = 10**7
# What Python takes beyond it, such as 1_000 or digits of other scripts, is no number in a table.
_NUMBER = re.compile(r"[+-]?([0-9]++\.?[0-9]*+|\.[0-9]++)([eE][+-]?[0-9]++)?")

_Row = Mapping[str, str | None]
# The size, loss and error of a trained network.
_Run = tuple[float, float, float | None]


def read_ablation(path: str | Path, *, rule: float | None = None) -> Ablation:
    r"""Read the losses of an ablation from a CSV file with a row for each trained network.

    The columns are depth, parameters or width (or both), loss, and perhaps error; other columns are left alone.
    Parameters count without embeddings. Rows of equal depth, and of sizes within 2 %, are networks trained more than
    once, whose losses are averaged. If no errors are given, the scatter of all such rows about their means is taken as
    the error of each single loss.

    Args:
        path: the path of the file.
        rule: the parameters of a layer divided by d^2. If it is None, the file tells it by having both parameters and
            widths; otherwise it is 12.

    Raises:
        TensorRankError: naming the file and the line, if the file cannot be read, columns are missing, a value is no
            number of the kind expected, there is one depth only, or a depth has one size only.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "losses.csv")
    ...     _ = path.write_text("depth,width,loss\n1,8,3.0\n1,32,2.0\n2,8,3.5\n2,32,1.5\n")
    ...     print(read_ablation(path).depths)
    (1, 2)
    """
    checked = file_path("the path of the CSV file", path)
    with named_in_errors(checked):
        return _ablation(text_of(checked, "a CSV file", most=_LARGEST_FILE), rule)


def _ablation(text: str, rule: float | None) -> Ablation:
    columns, rows = _rows(text)
    both = "parameters" in columns and "width" in columns
    layer = positive("rule", rule) if rule is not None else _rule_of(rows) if both else _USUAL_RULE
    with_errors = any(_filled(row, "error") for _, row in rows)
    runs: dict[int, list[_Run]] = defaultdict(list)
    for line, row in rows:
        depth = _positive(row, "depth", line)
        if depth != int(depth) or depth > _DEEPEST:
            raise TensorRankError(
                f"line {line}: depth is {shown(row['depth'])}; expected a whole number of layers, at most {_DEEPEST}"
            )
        size = _positive(row, "parameters" if "parameters" in columns else "width", line)
        if "parameters" not in columns:
            size = layer * depth * size**2
        if with_errors and not _filled(row, "error"):
            raise TensorRankError(f"line {line}: the error is missing; expected one in each row, or in none")
        error = _positive(row, "error", line) if with_errors else None
        runs[int(depth)].append((size, _number(row, "loss", line), error))
    if len(runs) == 1:
        raise TensorRankError(
            f"all networks have depth {next(iter(runs))}; expected two depths or more, so that one can overtake another"
        )
    groups = {depth: _grouped(found) for depth, found in sorted(runs.items())}
    single, repeats = (None, 0) if with_errors else _pooled_error(chain.from_iterable(groups.values()))
    curves = tuple(_curve(depth, found, single or 0.0) for depth, found in groups.items())
    return Ablation(curves, layer, single, repeats)


def _rows(text: str) -> tuple[list[str], list[tuple[int, _Row]]]:
    """The names of the columns, and for each row its line number and its values by column."""
    if "\0" in text:
        raise TensorRankError(f"line {text.count(chr(10), 0, text.index(chr(0))) + 1} has a NUL character; expected CSV")
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    try:
        columns = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        _check_columns(columns)
        reader.fieldnames = columns
        rows: list[tuple[int, _Row]] = [(reader.line_num, row) for row in reader if any(row.values())]
    except csv.Error as error:
        raise TensorRankError(f"line {reader.reader.line_num}: {error}; expected CSV") from error
    if not rows:
        raise TensorRankError("there are no rows below the header; expected one for each trained network")
    for line, row in rows:
        # The key None holds values beyond the columns; a decimal comma makes two values of one.
        given = len(columns) + 1 if None in row else sum(value is not None for value in row.values())
        if given != len(columns):
            count = f"more than {len(columns)}" if None in row else f"{given}"
            raise TensorRankError(f"line {line} has {count} values; expected {len(columns)}, as the header")
    return columns, rows


def _grouped(runs: Iterable[_Run]) -> list[list[_Run]]:
    """The networks of one depth by size, the smallest first; sizes that hardly differ count as one."""
    groups: list[list[_Run]] = []
    for run in sorted(runs, key=lambda run: run[0]):
        if groups and run[0] <= _SAME_SIZE * groups[-1][0][0]:
            groups[-1].append(run)
        else:
            groups.append([run])
    return groups


def _check_columns(columns: list[str]) -> None:
    twice = [name for name in ("depth", "parameters", "width", "loss", "error") if columns.count(name) > 1]
    if twice:
        raise TensorRankError(f"the column {twice[0]} is there twice; expected each column once")
    missing = [name for name in ("depth", "loss") if name not in columns]
    if "parameters" not in columns and "width" not in columns:
        missing.insert(min(1, len(missing)), "parameters or width")
    if missing:
        hint = "; the columns seem to be separated by something else than commas" if len(columns) == 1 else ""
        raise TensorRankError(
            f"the column{'s' * (len(missing) > 1)} {', '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing "
            f"from the header {in_a_line(', '.join(filter(None, columns))) or '(none)'}; expected depth, parameters or width, "
            f"loss, and perhaps error{hint}"
        )


def _filled(row: _Row, name: str) -> bool:
    return bool((row.get(name) or "").strip())


def _number(row: _Row, name: str, line: int) -> float:
    given = row.get(name) or ""
    number = float(given) if _NUMBER.fullmatch(given.strip(" \t")) else math.nan
    if not abs(number) <= _LARGEST:
        raise TensorRankError(f"line {line}: {name} is {shown(given)}; expected a finite number, such as 0.5 or 1e6")
    return number


def _positive(row: _Row, name: str, line: int) -> float:
    number = _number(row, name, line)
    if number < 1 / _LARGEST:
        raise TensorRankError(f"line {line}: {name} is {shown(row[name])}; expected a number above 0")
    return number


def _rule_of(rows: Iterable[tuple[int, _Row]]) -> float:
    """The parameters divided by L d^2, if the quotient is about the same in all rows."""
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


def _curve(depth: int, groups: Sequence[list[_Run]], single: float) -> Curve:
    """The mean loss at each size with its error; a loss without an error of its own has the error of a single loss."""
    sizes = tuple(fmean(size for size, _, _ in group) for group in groups)
    if len(sizes) == 1:
        raise TensorRankError(f"depth {depth} has one size only, {sizes[0]:,.0f}; expected two or more")
    losses = tuple(fmean(loss for _, loss, _ in group) for group in groups)
    squares = [math.fsum((single if error is None else error) ** 2 for _, _, error in group) for group in groups]
    errors = tuple(math.sqrt(square) / len(group) for square, group in zip(squares, groups, strict=True))
    return Curve(depth, sizes, losses, errors if all(errors) else None, tuple(map(len, groups)))


def _pooled_error(groups: Iterable[list[_Run]]) -> tuple[float | None, int]:
    """The scatter of a single loss and its degrees of freedom; None where no network was trained more than once."""
    losses = [[loss for _, loss, _ in group] for group in groups]
    freedom = sum(len(group) - 1 for group in losses)
    squares = math.fsum((loss - fmean(group)) ** 2 for group in losses for loss in group)
    return (math.sqrt(squares / freedom) or None, freedom) if freedom else (None, 0)
