"""The process in which inputs are consumed: bounded memory, a folder of its own, a line for what becomes of each input.

`python -m fuzz.child TARGET SEED FIRST LAST` writes a JSON object before and after each case, so that whoever reads
them knows which input never came back.
"""

import faulthandler
import json
import os
import sys
import tempfile
import time
from pathlib import Path

# Before numpy is imported: threads reserve address space, which is bounded below.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))
os.environ.setdefault("MPLBACKEND", "agg")

# What the library believes is free, and what a case may take beyond that before it fails.
_AVAILABLE, _MOST = 2**30, 4 * 2**30


def bound_memory() -> None:
    """Bound the memory of this process, and let the library see a machine with one GiB free."""
    import tensorrank.arithmetic.resources as resources

    resources.memory_available = lambda: _AVAILABLE
    try:
        import resource
    except ImportError:  # Windows
        return
    with open("/proc/self/statm", encoding="ascii") as file:
        reserved = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (reserved + _MOST, resource.getrlimit(resource.RLIMIT_AS)[1]))


def main(name: str, seed: int, first: int, last: int) -> None:
    """Consume cases first to last - 1 of a target."""
    from fuzz.good_files import write_all
    from fuzz.judge import judged
    from fuzz.targets import TARGETS

    # The library may print; the lines go where nothing else is printed.
    lines = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    faulthandler.enable()
    target = TARGETS[name]
    bound_memory()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        os.chdir(folder)
        # The user's own atlas stays as it is.
        os.environ["XDG_DATA_HOME"] = folder
        write_all(Path(folder))
        for case in range(first, last):
            print(json.dumps({"begun": case}), file=lines)
            start = time.process_time()
            verdict = judged(target, target.given(seed, case))
            spent = time.process_time() - start
            print(json.dumps({"done": case, "seconds": spent, **vars(verdict)}), file=lines)
        os.chdir("/")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
