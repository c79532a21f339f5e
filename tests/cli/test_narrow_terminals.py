"""Every verb in a terminal of 60 and of 40 columns: no line is wider, and no number is broken or cut."""

import io
import re

import pytest
from command_line import invoked
from fuzz.good_files import write_all
from rich.console import Console

from tensorrank.cli.shared.terminal import Bar

VERBS = """
rank attention --depth 1 --width 2 --threads 1
rank attention --depth 1 --width 2 --plan
rank softmax --depth 1 --width 2 --samples 16
rank model.json --threads 1
bounds --width 768 --depth 10-12
compare --parameters 32 --sites 4 --channels 4 --budgets 10,100 --rule 2 --out compared --work 1e6 --threads 1
reduce model.json --to sum_product --out reduced.json
approximate model.json --steps 2 --samples 50 --nodes 50
separation interleaved --sites 4,6 --states 2 --symbols 2
separation levels --depths 2,3 --states 2 --symbols 2
separation formats --sites 4 --states 2 --symbols 2
separation perfect-matchings --sites 4,6 --symbols 2
separation hierarchy --sites 4 --states 2 --symbols 2 --small 8
task ranks match3 --tokens 5 --modulus 5 --threads 1
task ranks disjointness --length 3 --threads 1
task ranks sparse-averaging --tokens 6 --threads 1
task check match3 --tokens 4 --modulus 5 --inputs 20
task check sparse-averaging --tokens 6 --inputs 20
task softmax-bottleneck --tokens 4 --threads 1
advise --parameters 3B
advise --depth 12 --width 768
advise --config config.json
advise --projections
ablation losses.csv
show model.json
show study.sqlite
show study.sqlite --blocks
atlas --widths 2,4 --depths 3-6
atlas --kind recurrent
atlas verify attention depth=2 width=2 --threads 1
atlas add study.sqlite --atlas mine.json
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    write_all(folder)
    return folder


def shown(arguments, columns):
    """What a command prints that takes its output for a terminal of so many columns."""
    done = invoked(arguments, env={"COLUMNS": str(columns), "TERM": "xterm", "FORCE_COLOR": "1"})
    assert done.exit_code == 0, done.output
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", done.stdout)


@pytest.mark.parametrize("columns", [60, 40])
@pytest.mark.parametrize("verb", VERBS.split("\n")[1:-1])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_broken(verb, columns, files, monkeypatch):
    monkeypatch.chdir(files)
    narrow, wide = (shown(verb.split(), size) for size in (columns, 500))
    for line in narrow.split("\n"):
        assert len(line.rstrip()) <= columns or " " not in line.strip(), line
    assert "…" not in narrow
    # Every number of the wide output stands whole in the narrow one, but for times.
    numbers = set(re.findall(r"(?<![\w.])\d[\w.+]*\d(?![\w.])", re.sub(r"[\d.e-]+ s\b", "", wide)))
    missing = [number for number in numbers if number not in narrow]
    assert not missing


@pytest.mark.parametrize("columns", [60, 40])
def test_bars_keep_their_numbers_and_words(columns):
    written = io.StringIO()
    console = Console(file=written, width=columns, force_terminal=True, color_system=None)
    bar = Bar(console)
    bar(2, 3, "match2: other tokens only, 4 tokens N", left=4000)
    console.print(bar._progress.get_renderable())
    text = written.getvalue()
    assert "…" not in text
    for piece in (" 67 %", "0:00:00", "1.1 h left", "match2:", "tokens", "only, 4"):
        assert piece in text
    assert all(len(line.rstrip()) <= columns for line in text.split("\n"))
