"""The connection to a Dask scheduler: checks before it that end in time, and words for its loss."""

from __future__ import annotations

import asyncio
import logging
import pkgutil
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager, suppress

from distributed import Client
from distributed.client import ClosedClientError
from distributed.comm import connect
from distributed.security import Security

from tensorrank.errors import TensorRankError
from tensorrank.version import __version__

_VERSION = "tensorrank.version:__version__"


@contextmanager
def connection(address: str, seconds: float) -> Iterator[Client]:
    """Connect to a scheduler, and check that it and its workers have this version of tensorrank.

    Args:
        address: of the scheduler.
        seconds: how long it may take to answer.

    Raises:
        TensorRankError: if no scheduler answers, or tensorrank is missing or of another version.
    """
    try:
        # A client of what does not answer is slow to give up.
        _aside(lambda: asyncio.run(_greet(address, seconds)))
    # Each kind of address has errors of its own, missing packages among them.
    except Exception as error:
        raise TensorRankError(
            f"no Dask scheduler answers at {address!r} ({str(error) or type(error).__name__}); expected an address "
            "such as tcp://host:8786"
        ) from error
    with _silent_log():
        with talking():
            client = Client(address, timeout=seconds, set_as_default=False)
        try:
            _check_versions(client)
            yield client
        finally:
            with suppress(TensorRankError), talking():
                client.close(timeout=seconds)


@contextmanager
def talking() -> Iterator[None]:
    """Tell in words if the scheduler is lost; a context for every call that needs it.

    Raises:
        TensorRankError: if it does not answer any more.
    """
    try:
        yield
    except (OSError, ClosedClientError, CancelledError) as error:
        raise lost() from error


def lost() -> TensorRankError:
    """The error that says that the connection is lost."""
    return TensorRankError(
        "the connection to the Dask scheduler was lost; all that was finished before is kept: run the same again once "
        "a scheduler answers"
    )


def _aside(call: Callable[[], None]) -> None:
    """Call in a thread of its own, since the caller's may run an event loop, as notebooks do."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(call).result()


@contextmanager
def _silent_log() -> Iterator[None]:
    """Keep Dask from writing tracebacks where a connection is lost: the error says it in words."""
    log = logging.getLogger("distributed.client")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


async def _greet(address: str, seconds: float) -> None:
    arguments = Security().get_connection_args("client")
    greeted = await asyncio.wait_for(connect(address, timeout=seconds, **arguments), seconds)
    await greeted.close()


def _check_versions(client: Client) -> None:
    with talking():
        # By a function of the standard library, since ours could not be read there.
        answers = client.run(pkgutil.resolve_name, _VERSION, on_error="return")
        try:
            answers["the scheduler"] = client.run_on_scheduler(pkgutil.resolve_name, _VERSION)
        except ImportError as error:
            answers["the scheduler"] = error
    for where, answer in answers.items():
        if answer != __version__:
            found = f"cannot import it ({answer})" if isinstance(answer, Exception) else f"has {answer}"
            raise TensorRankError(
                f"this is tensorrank {__version__}, and {where} {found}; install the same version on the scheduler and "
                "on all workers"
            )
