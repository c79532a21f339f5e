"""The process in which atheris guides the inputs of a target by the lines of tensorrank that they reach.

`python -m fuzz.guided TARGET SECONDS FOLDER` keeps inputs that reach new lines in the folder, where a later run begins.
It writes one JSON object to standard output: counts, and the failures, each kind once. An input that hangs or takes too
much memory ends the process, and atheris leaves it in the folder as a file that begins with `timeout-`, `oom-` or
`crash-`.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

from fuzz.child import bound_memory

# Numba compiles these from their bytecode, which must then be as it was written.
_COMPILED = (
    "tensorrank.arithmetic.elimination.kernels",
    "tensorrank.attention.evaluate",
    "tensorrank.attention.small_products",
    "tensorrank.attention.streaming",
    "tensorrank.mixtures.approximation.envelope_kernels",
    "tensorrank.networks.contraction_kernels",
    "tensorrank.separation.hankel",
    "tensorrank.separation.interpolation",
    "tensorrank.separation.monomials",
)


def main(name: str, seconds: float, folder: Path) -> None:
    """Fuzz one target."""
    import atheris

    with atheris.instrument_imports(include=["tensorrank"], exclude=list(_COMPILED)):
        from fuzz.bytes_stream import BytesStream
        from fuzz.good_files import write_all
        from fuzz.judge import judged
        from fuzz.targets import TARGETS

        target = TARGETS[name]
        target.given(0, 0)
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    counts = {"answered": 0, "refused": 0, "void": 0, "failed": 0}
    kinds: dict[str, tuple[str, str, str]] = {}
    slowest, until = 0.0, time.monotonic() + seconds

    def consume(data: bytes) -> None:
        nonlocal slowest
        start = time.process_time()
        given = target.generate(BytesStream(data))
        verdict = judged(target, given)
        counts[verdict.kind] += 1
        slowest = max(slowest, time.process_time() - start)
        if verdict.kind == "failed":
            kinds.setdefault(
                f"{verdict.message.partition(':')[0]} {verdict.where}", (verdict.message, verdict.where, repr(given))
            )
        if time.monotonic() > until:
            print(json.dumps({**counts, "slowest": slowest, "kinds": list(kinds.values())}), file=lines, flush=True)
            os._exit(0)

    corpus = folder.resolve()
    corpus.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as here:
        os.chdir(here)
        os.environ["XDG_DATA_HOME"] = here
        write_all(Path(here))
        bound_memory()
        options = ["-timeout=20", "-rss_limit_mb=6000", "-max_len=512", "-verbosity=0", f"-artifact_prefix={corpus}/"]
        atheris.Setup([sys.argv[0], *options, str(corpus)], consume)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3]))
