"""A rank killed after every other block of its draws: run as a program, which prints what it found as JSON.

    python killed_in_draws.py FOLDER ENGINE

A named engine for small primes has every block tried at two of them, and what is short drawn again at two large ones.
Each run is a forked child that kills itself; nothing that multiplies is loaded before, so that children begin alike.
"""

import json
import os
import signal
import sys
from pathlib import Path

import tensorrank as tr
from tensorrank.studies.events import BlockFinished
from tensorrank.studies.store import Store

# Short in four degrees (SOURCES.md, section 2: 215), and full in all (232).
MODELS = (tr.SelfAttention(3, 3, head_dim=2), tr.SelfAttention(3, 2))
BLOCKS = 2


def run(path, model, engine, most):
    """The study of one model, killed once it has computed so many blocks; what it computed is noted before."""
    fresh = 0

    def observe(event):
        nonlocal fresh
        if isinstance(event, BlockFinished) and event.fresh:
            fresh += 1
            with path.with_suffix(".log").open("a") as log:
                log.write(f"{event.key}\n")
            if fresh == most:
                os.kill(os.getpid(), signal.SIGKILL)

    with Store(path) as store:
        list(tr.Study([model], engine=engine, threads=1).run(store, observe))


def child(*arguments):
    """How a run in a child ended."""
    number = os.fork()
    if not number:
        code = 1
        try:
            run(*arguments)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def found(path):
    """The result, its equal parts and the engines that multiplied, and the keys of all blocks that were computed."""
    with Store(path, read_only=True) as store:
        ((_, stored),) = store
        blocks = sum(1 for _ in store.blocks())
    return stored.result, blocks, path.with_suffix(".log").read_text().splitlines()


def killed(folder, number, engine):
    model, kills = MODELS[number], 0
    whole, parts = folder / f"whole{number}.sqlite", folder / f"parts{number}.sqlite"
    assert child(whole, model, engine, None) == 0
    while (code := child(parts, model, engine, BLOCKS)) != 0:
        assert code == -signal.SIGKILL, f"a run ended with {code}"
        kills += 1
    (result, blocks, computed), (again, kept, parted) = found(whole), found(parts)
    return {
        "kills": kills,
        "same": again == result and again.engines == result.engines,
        "twice": len(parted) - len(set(parted)),
        "blocks": (blocks, len(computed), kept, len(parted)),
        "result": [result.value, result.standing, result.engines, result.primes],
    }


if __name__ == "__main__":
    folder, engine = Path(sys.argv[1]), sys.argv[2]
    json.dump([killed(folder, number, engine) for number in range(len(MODELS))], sys.stdout)
