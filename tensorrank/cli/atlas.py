"""`tensorrank atlas`: the separation ranks that are known: listed, added to, and computed again."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

import tensorrank as tr
from tensorrank.arguments import file_path
from tensorrank.cli.shared import completion
from tensorrank.cli.shared import options as given
from tensorrank.cli.shared.filters import Filter
from tensorrank.cli.shared.ranking import named_partition
from tensorrank.cli.shared.swept_models import model_in, words_of
from tensorrank.cli.shared.terminal import STORE_NAME, Bar, empty_table, print_json, say, whole_numbers, wide_console
from tensorrank.errors import TensorRankError
from tensorrank.whole_files import checked_file, one_at_a_time
from tensorrank.whole_numbers import abbreviated

if TYPE_CHECKING:
    from tensorrank.atlas.entry import Entry

# The limits cut what was to be computed again.
UNDECIDED = 1

File = Annotated[
    Path | None,
    typer.Option(
        "--atlas",
        metavar="FILE",
        help="Your entries, beside those of the package; by default atlas.json in your data folder, if it is there.",
    ),
]


class ListFirst(TyperGroup):
    """A group that lists where no verb is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the verb that lists first where none is given."""
        # Without words a shell that completes is offered all verbs.
        unnamed = args[0].startswith("-") and args[0] not in ctx.help_option_names if args else not ctx.resilient_parsing
        return list(super().parse_args(ctx, ["list", *args] if unnamed else args))

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """What a shell completes without a verb: the verbs, and the options of the one that lists."""
        if incomplete.startswith("-"):
            return list(self.commands["list"].shell_complete(ctx, incomplete))
        return list(super().shell_complete(ctx, incomplete))


app = typer.Typer(cls=ListFirst)


@app.callback()
def _atlas() -> None:
    """Every separation rank that is known, with its certificate: lists, adds to them, and computes one again.

    Without a verb the ranks are listed. `tensorrank atlas list --help` has the filters, such as --widths.

    Example: tensorrank atlas --widths 3 --standing exact --export exact.csv

    Example: tensorrank atlas verify attention depth=3 width=3

    Example: tensorrank atlas add tensorrank-study
    """


@app.command("list")
def list_entries(
    widths: Annotated[str | None, typer.Option("--widths", "--width", help="Only these widths.")] = None,
    depths: Annotated[str | None, typer.Option("--depths", "--depth", help="Only these depths.")] = None,
    heads: Annotated[str | None, typer.Option(help="Only these numbers of heads.")] = None,
    tokens: Annotated[str | None, typer.Option(help="Only these numbers of tokens, as they were computed.")] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="Only models of this kind, such as attention or recurrent.",
            autocompletion=completion.offered(*completion.ARCHITECTURES),
        ),
    ] = None,
    standing: Annotated[
        str | None,
        typer.Option(
            help="Only exact, probable, or 'lower bound' ranks.", autocompletion=completion.offered(*completion.STANDINGS)
        ),
    ] = None,
    export: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write what is listed to this .csv, .parquet or .json file.")
    ] = None,
    atlas: File = None,
    json: given.Json = False,
) -> None:
    """List the ranks, those that pass all filters, and write them to a file.

    A filter leaves out models that have no such size. A .json file is an atlas itself, for --atlas or
    `tensorrank atlas add`.

    Example: tensorrank atlas --widths 3 --standing exact --export exact.csv
    """
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.studies.model_key import ModelKey

    sizes = {"--widths": widths, "--depths": depths, "--heads": heads, "--tokens": tokens}
    wanted = {name: whole_numbers(text, name) for name, text in sizes.items() if text is not None}
    filtered = Filter(wanted, kind, standing)
    exported = None if export is None else _checked_export(export)
    entries = tr.Atlas.load(atlas).entries
    keys = {entry.key: ModelKey.of(entry.model) for entry in entries}
    filtered.check_kind(keys.values(), "the atlas")
    found = [one for one in entries if filtered.takes(keys[one.key]) and standing in (None, one.rank.standing)]
    if exported is not None:
        _export(found, exported)
    if json:
        listed = [{"entry": _words(entry), **entry.to_dict()} for entry in found]
        print_json({"entries": listed, "written": [] if exported is None else [str(exported)]})
        return
    _print(found)
    if exported is not None:
        say(f"written: {exported}")


@app.command()
def verify(
    entry: Annotated[
        list[str],
        typer.Argument(
            metavar="KIND SIZE=VALUE...",
            help="The entry, in the words of the list.",
            show_default=False,
            autocompletion=completion.offered(*completion.ARCHITECTURES),
        ),
    ],
    partition: given.Partition = "halves",
    method: Annotated[
        str | None,
        typer.Option(
            help="catalecticant or grid; by default that of the entry, if it was computed.",
            autocompletion=completion.offered(*completion.METHODS[1:]),
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of weights and primes; by default one that the entry was not computed from.")
    ] = None,
    memory: given.Memory = None,
    work: Annotated[float | None, typer.Option(help="Limit on the operations of a draw, such as 1e12.")] = None,
    scratch: Annotated[Path | None, typer.Option(help="Folder on disk for blocks larger than --memory; else they are cut.")] = (
        None
    ),
    engine: given.Engine = "auto",
    device: given.Device = "cpu",
    threads: given.Threads = None,
    atlas: File = None,
    json: given.Json = False,
) -> None:
    """Compute an entry again: with other weights and primes, unless --seed is that of the entry. Nothing is changed.

    The exit code is 0 where the computation repeats the entry, 2 where it refutes it, and 1 where the limits cut it, so
    that it proves less than the entry says.

    Example: tensorrank atlas verify attention depth=3 width=3

    Example: tensorrank atlas verify attention depth=2 width=2 tokens=4 causal=true --partition 0,2
    """
    from tensorrank.atlas.entry import named

    model = model_in(entry)
    split = named_partition(partition, model.sites)
    known = tr.Atlas.load(atlas)
    found = known.find(model, split)
    if found is None:
        raise TensorRankError(f"the atlas has no entry of {named(model, split)}; `tensorrank atlas` lists what it has")
    limits: dict[str, Any] = {
        "method": method,
        "memory": memory,
        "work": work,
        "scratch": scratch,
        "engine": engine,
        "device": device,
    }
    with Bar() as bar:
        verified = known.verify(found, seed=seed, threads=threads, progress=bar, **limits)
    if verified.outcome == "refuted":
        raise TensorRankError(verified.sentence)
    if json:
        print_json(verified.to_dict())
    else:
        say(verified.sentence)
    if verified.outcome == "undecided":
        raise typer.Exit(UNDECIDED)


@app.command()
def add(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A study's store (or its folder), one result as JSON, or another atlas.")
    ],
    source: Annotated[str | None, typer.Option(help="Where the ranks came from, in words; FILE by default.")] = None,
    atlas: File = None,
    json: given.Json = False,
) -> None:
    """Add ranks to your atlas, where they tell more than what is known; a contradiction is named, and nothing added.

    Example: tensorrank atlas add tensorrank-study

    Example: tensorrank atlas add rank.json --source "the large machine, in November" --atlas ours.json
    """
    from tensorrank.atlas.files import users_file

    target = users_file() if atlas is None else checked_file("--atlas", file_path("--atlas", atlas))
    if target is None:
        raise TensorRankError("there is no folder for your data, since you have no home; give --atlas FILE")
    entries, left_out = _found_in(file, source)
    after, known, new = _with(entries, target)
    if new:
        if atlas is None:
            _make(target.parent)
        with one_at_a_time(target):
            # Read once more, with what others have added meanwhile.
            after, known, new = _with(entries, target)
            if new:
                after.save(target)
    added = [entry for entry in new if entry.key not in known]
    improved = [entry for entry in new if entry.key in known]
    if json:
        print_json(
            {
                "atlas": str(target),
                "added": [_words(entry) for entry in added],
                "improved": [_words(entry) for entry in improved],
                "known": len(entries) - len(new),
                "left_out": left_out,
            }
        )
        return
    for entry in improved:
        say(f"improved: {entry.name} was {known[entry.key].claim}, and is {entry.claim}")
    say(f"{len(added)} added, {len(improved)} improved, {len(entries) - len(new)} known before")
    for why in left_out:
        say(f"left out: {why}")
    say(f"written: {target}" if new else "nothing was written")


def _with(entries: Sequence[Entry], target: Path) -> tuple[tr.Atlas, dict[str, Entry], list[Entry]]:
    """The atlas in a file with further entries, what it knew by keys, and those that tell more than that."""
    before = tr.Atlas.load(target) if os.path.lexists(target) else tr.Atlas.packaged()
    after, known = before.add(entries), {entry.key: entry for entry in before.entries}
    return after, known, [entry for entry in after.entries if known.get(entry.key) is not entry]


def _found_in(file: Path, source: str | None) -> tuple[Sequence[Entry], list[str]]:
    """The entries of what is in a file, and what was left out, in words."""
    from tensorrank.atlas.found import saved_entries, stored_entries
    from tensorrank.atlas.kinds import model_of
    from tensorrank.studies.store_files import is_database

    path = file_path("FILE", file)
    if os.path.isdir(path):
        path = path / STORE_NAME
        if not os.path.isfile(path):
            raise TensorRankError(f"there is no {STORE_NAME} in the folder {file}; give the store's file, or its folder")
    if not (os.path.isfile(path) and is_database(path)):
        return saved_entries(path, source or str(file)), []
    with tr.Store(path, read_only=True, check=model_of) as store:
        return stored_entries(store, source or str(file))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TensorRankError(f"the folder {folder} cannot be made ({error.strerror}); give --atlas FILE") from error


def _checked_export(export: str) -> Path:
    from tensorrank.studies.export import check_export

    path = checked_file("--export", export)
    if path.suffix != ".json":
        check_export(path)
    return path


def _export(found: Sequence[Entry], path: Path) -> None:
    from tensorrank.atlas.files import write
    from tensorrank.studies.export import RANK_COLUMNS, export, model_columns, rank_row
    from tensorrank.studies.model_key import ModelKey

    if path.suffix == ".json":
        write(found, path)
        return
    keys = [ModelKey.of(entry.model) for entry in found]
    own = ("by_degree", "primes", "seeds", "version", "source")
    rows = []
    for key, entry in zip(keys, found, strict=True):
        told = {name: value for name, value in {**entry.rank.to_dict(), **entry.to_dict()}.items() if name in own}
        rows.append({**rank_row(key, entry.rank), "side_a": sorted(entry.partition.a), **told})
    export(rows, (*model_columns(keys), "side_a", *RANK_COLUMNS, *own), path)


def _print(found: Sequence[Entry]) -> None:
    if not found:
        say("no entries")
        return
    table = empty_table("entry", "rank", "bound", "standing", "s", words=("standing",), sentences=("entry",))
    for entry in found:
        rank = entry.rank
        bound = "-" if rank.upper is None else abbreviated(rank.upper, 9)
        table.add_row(_words(entry), rank.brief(), bound, rank.standing, f"{rank.seconds:.1f}")
    wide_console().print(table)
    counts = Counter(entry.rank.standing for entry in found)
    words = ", ".join(f"{count} {standing}" for standing, count in counts.items())
    say(f"{len(found)} entr{'ies' if len(found) > 1 else 'y'}: {words}")


def _words(entry: Entry) -> str:
    """An entry as `verify` takes it."""
    halves = entry.partition == tr.Bipartition.halves(entry.model.sites)
    side = ",".join(map(str, sorted(entry.partition.a)))
    return words_of(entry.model) if halves else f"{words_of(entry.model)} --partition {side}"
