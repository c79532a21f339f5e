"""What `tensorrank study` says where ranks cannot be computed."""

import json

import pytest
from command_line import invoked

from tensorrank.arithmetic.resources import worker_threads
from tensorrank.cli import study


class Failing:
    """A scheduler that cannot compute the blocks of some widths."""

    ahead = 1

    def __init__(self, *widths):
        self.widths, self.tasks = widths, []

    def submit(self, tasks):
        self.tasks += tasks

    def forget(self, tasks):
        pass

    def wait(self, listener, stop):
        task = self.tasks.pop()
        job = task.job
        if task.model.values["width"] in self.widths:
            listener.failed(task, "4 workers died")
            return
        with worker_threads(1) as pool:
            rank = job.rank(job.shared.make(pool), pool, lambda done, total, what: None)
        listener.done(task, rank, 0.1, None)


@pytest.mark.parametrize("failing", [(2,), (2, 3)])
def test_skipped_ranks_are_named_and_the_exit_code_is_1(tmp_path, monkeypatch, failing):
    monkeypatch.setattr(study, "_where", lambda *arguments: Failing(*failing))
    command = ["study", "--widths", "2,3", "--depths", "2", "--format", "none", "--out", str(tmp_path)]
    done = invoked(command)
    assert done.exit_code == 1, done.output
    assert f"{len(failing)} skipped" in done.output
    assert "skipped: SelfAttention(depth=2, width=2, heads=1, head_dim=2, tokens=4): 4 workers died" in done.output
    assert len((tmp_path / "ranks.csv").read_text().splitlines()) == 3 - len(failing)
    found = json.loads(invoked([*command, "--json"]).stdout)
    assert [entry["width"] for entry in found["summary"]["skipped"]] == list(failing)
    assert [row["width"] for row in found["rows"]] == [width for width in (2, 3) if width not in failing]
