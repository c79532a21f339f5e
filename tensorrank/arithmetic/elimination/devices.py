"""Devices of PyTorch that a matrix can be eliminated on: how they are named, what is free there, and errors in words.

PyTorch is an extra, and takes seconds to import: it is imported where a device is asked for, and nowhere else.
"""

from __future__ import annotations

import importlib.util
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tensorrank.arguments import meant, shown
from tensorrank.arithmetic.resources import amount, memory_available, memory_limit
from tensorrank.errors import TensorRankError
from tensorrank.records import Record

# The device of every computation that names none: this library's own products, on the processors.
HOST = "cpu"
# The name of the processors as PyTorch multiplies on them, to hold the code of devices against that of processors.
_TORCH_HOST = "torch:cpu"
# The names of CUDA devices, with their numbers.
_CUDA = re.compile(r"cuda(?::(\d{1,4}))?")
# The most bytes that products on a device take beside the matrix, whatever its size.
SCRATCH = 2**30
# Bytes beside a small matrix, for each of its entries.
_SCRATCH_PER_ENTRY = 64
# How the messages of errors begin that are the device's, not those of a program that gives wrong shapes or types.
_FAILURES = re.compile(r"(CUDA|HIP|CUBLAS|cuBLAS|NVML|Found no NVIDIA|The NVIDIA|No CUDA|No HIP|Cannot re-initialize CUDA)\b")
# A program made a device look at an entry that is not there.
_ASSERTION = "device-side assert"
# What PyTorch says when the processors have no memory for a tensor.
_HOST_IS_FULL = "DefaultCPUAllocator: can't allocate memory"
# One for each device, however it is named.
_LOCKS: dict[tuple[str, int | None], threading.RLock] = {}


@dataclass(frozen=True)
class Device:
    """One device that is there.

    Attributes:
        name: as users give it, such as "cuda" or "cuda:1".
        torch: the module.
        place: the device as PyTorch has it.
    """

    name: str
    torch: Any
    place: Any

    def free(self) -> int:
        """The bytes that can be taken there now; what PyTorch keeps for its own next tensors counts as free."""
        if self.place.type == "cpu":
            return memory_available()
        cuda = self.torch.cuda
        try:
            left, _ = cuda.mem_get_info(self.place)
            return int(left + cuda.memory_reserved(self.place) - cuda.memory_allocated(self.place))
        except RuntimeError as error:
            raise TensorRankError(
                f"the device '{self.name}' does not tell how much of its memory is free ({_first_line(error)}); try again in "
                f"a new process, or the device '{HOST}'"
            ) from error

    def room(self) -> int:
        """The bytes of the largest matrix that has room there beside the products."""
        return max(1, self.free() - SCRATCH)

    def refuse_beyond_free(self, shape: tuple[int, int], entry: int) -> None:
        """Raise an error if a matrix of this shape, with so many bytes an entry, has no room beside the products."""
        entries = shape[0] * shape[1]
        needed, free = entry * entries + scratch_beside(entries), self.free()
        if needed > free:
            raise TensorRankError(
                f"a matrix of {shape[0]} x {shape[1]} takes {amount(needed)} on the device '{self.name}', and {amount(free)} "
                f"are free there; {self._remedy(free)}"
            )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A context that one thread at a time enters, and in which failures of the device become errors in words.

        One elimination at a time then looks at what is free there, and takes it. The thread inside may enter again.
        Errors of a program, such as shapes that do not go together, stay as they are.
        """
        with _LOCKS.setdefault((self.place.type, self.place.index), threading.RLock()):
            try:
                yield
            except RuntimeError as error:
                if words := self._in_words(error):
                    raise TensorRankError(words) from error
                raise

    def ran_out(self, error: RuntimeError) -> bool:
        """True if an error says that the device, or the host beside it, has no memory left."""
        return isinstance(error, self.torch.cuda.OutOfMemoryError) or _HOST_IS_FULL in str(error)

    def _in_words(self, error: RuntimeError) -> str | None:
        """An error of the device in words; None for any other."""
        text = str(error)
        if self.ran_out(error):
            if self.place.type == "cpu" or _HOST_IS_FULL not in text:
                return self._out_of_memory(text)
            return (
                f"this machine ran out of memory beside the device '{self.name}': {_asked(text)} could not be had, and "
                f"{amount(memory_available())} are free; try a memory limit, or fewer threads"
            )
        # Recent versions have a type of their own for errors of devices.
        kind = getattr(self.torch, "AcceleratorError", None)
        if _ASSERTION in text or not (_FAILURES.match(text) or (kind is not None and isinstance(error, kind))):
            return None
        return (
            f"the device '{self.name}' failed ({_first_line(error)}); a new process may find it well again, or try the device "
            f"'{HOST}'"
        )

    def _out_of_memory(self, text: str) -> str:
        taken = (
            "" if self.place.type == "cpu" else f" beside {amount(self.torch.cuda.memory_allocated(self.place))} taken so far"
        )
        free = self.free()
        return (
            f"the device '{self.name}' ran out of memory: {_asked(text)} could not be had{taken}, and {amount(free)} are free "
            f"there, perhaps since others use it too; {self._remedy(free)}"
        )

    def _remedy(self, free: int) -> str:
        # What a plan counts beside the matrix takes more than what the device takes beside it.
        fits = max(1, (free - SCRATCH) // 2**20)
        return f"try a memory limit, such as memory='{fits}MiB', for a plan that fits, or the device '{HOST}'"


def scratch_beside(entries: int) -> int:
    """The bytes that products take beside a matrix of so many entries."""
    return min(SCRATCH, _SCRATCH_PER_ENTRY * entries)


def _asked(text: str) -> str:
    """The size that an error of PyTorch says was asked for."""
    found = re.search(r"tried to allocate (\d[\d.]* ?\w+)", text, re.IGNORECASE)
    return found.group(1) if found else "more"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def device_named(name: str) -> Device:
    """The device of a name other than "cpu".

    Raises:
        TensorRankError: if there is no such name, PyTorch is not installed, or it does not see the device; the message
            says what to install or to use instead.

    >>> device_named("gpu")
    Traceback (most recent call last):
        ...
    tensorrank.errors.TensorRankError: the device is 'gpu'; expected 'cpu', 'cuda', or one of several such as 'cuda:1'
    """
    refuse_unknown_device(name)
    found, torch = _CUDA.fullmatch(name), _torch(name)
    if found is None:
        return Device(name, torch, torch.device("cpu"))
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count == 0:
        raise TensorRankError(
            f"the device '{name}' is not there: PyTorch {torch.__version__} sees no CUDA device on this machine. "
            f"A build of PyTorch for CUDA and a driver make one seen; the device '{HOST}' needs neither"
        )
    number = int(found.group(1) or 0)
    if number >= count:
        last = f"'cuda:{count - 1}'"
        here = "only 'cuda'" if count == 1 else f"'cuda:0' to {last}"
        raise TensorRankError(f"the device '{name}' is not there; PyTorch sees {here} on this machine")
    return Device(name, torch, torch.device("cuda", number))


def memory_on(device: str, memory: int | str | None) -> int | str | None:
    """The memory limit that was given; for a device, if none was, the smaller of its room and the default here.

    A matrix is filled on the host, then moved, so it needs room in both places.
    """
    if device == HOST or memory is not None:
        return memory
    return min(memory_limit(None), device_named(device).room())


def refuse_unknown_device(name: str) -> None:
    """Raise an error if no machine has a device of this name beside "cpu"; PyTorch is not looked for."""
    # Some things that are no text, such as arrays, are not even compared with one.
    if isinstance(name, str) and name == "mps":
        raise TensorRankError(
            "the device 'mps' has no products that are exact: PyTorch has neither float64 nor sums of bytes in 32 bits there; "
            f"try the device '{HOST}'"
        )
    if not isinstance(name, str) or (name != _TORCH_HOST and not _CUDA.fullmatch(name)):
        near = meant(name, ("cuda", _TORCH_HOST))
        raise TensorRankError(
            f"the device is {shown(name)}; expected '{HOST}', 'cuda', or one of several such as 'cuda:1'{near}"
        )


def _torch(name: str) -> Any:
    try:
        import torch  # it takes seconds to import, and may be absent

        if not hasattr(torch, "cuda"):  # a folder of that name is left
            raise ImportError("it is not whole")
    except (ImportError, OSError) as error:  # libraries that it needs may be absent too
        raise TensorRankError(
            f"the device '{name}' needs PyTorch, which cannot be imported ({error}): pip install 'tensorrank[torch]', "
            f"or take the device '{HOST}'"
        ) from error
    return torch


@dataclass(frozen=True)
class DeviceHere(Record):
    """One device that PyTorch sees on this machine.

    Attributes:
        name: as users give it.
        model: as its maker calls it.
        memory: its bytes in all.
        free: bytes that are free now.
    """

    name: str
    model: str
    memory: int
    free: int


def devices_here() -> tuple[tuple[DeviceHere, ...], tuple[str, ...]]:
    """The devices that PyTorch sees on this machine, and why others are not listed; empty without PyTorch."""
    found, missing = list[DeviceHere](), list[str]()
    if importlib.util.find_spec("torch") is None:
        return (), ()
    try:
        cuda = _torch("cuda").cuda
    except TensorRankError as error:
        return (), (str(error),)
    count = cuda.device_count() if cuda.is_available() else 0
    for number in range(count):
        name = "cuda" if count == 1 else f"cuda:{number}"
        device = device_named(name)
        try:
            with device.alone():
                free, memory = device.free(), int(cuda.mem_get_info(number)[1])
                found.append(DeviceHere(name, cuda.get_device_name(number), memory, free))
        except TensorRankError as error:
            missing.append(str(error))
    return tuple(found), tuple(missing)
