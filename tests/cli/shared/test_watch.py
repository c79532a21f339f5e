import json
import os

import pytest

from tensorrank.cli.shared.watch import Log
from tensorrank.errors import TensorRankError


def test_a_line_that_was_cut_off_stays_a_line_of_its_own(tmp_path):
    path = tmp_path / "log"
    path.write_text('{"event": "one"}\n{"even')
    for number in (2, 3):
        log = Log(path)
        log.write({"event": number})
        log.close()
    lines = path.read_text().splitlines()
    assert lines[:2] == ['{"event": "one"}', '{"even']
    assert [json.loads(line)["event"] for line in lines[2:]] == [2, 3]


def test_a_new_log_begins_with_its_first_line(tmp_path):
    log = Log(tmp_path / "log")
    log.write({"event": 1})
    log.close()
    assert json.loads((tmp_path / "log").read_text())["event"] == 1


def test_a_pipe_that_nobody_reads_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "log")
    with pytest.raises(TensorRankError, match=r"--log-json .*log cannot be written \(No such device or address\)"):
        Log(tmp_path / "log")
    reader = os.open(tmp_path / "log", os.O_RDONLY | os.O_NONBLOCK)
    try:
        log = Log(tmp_path / "log")
        log.write({"event": 1})
        assert json.loads(os.read(reader, 1000))["event"] == 1
        log.close()
    finally:
        os.close(reader)
