"""A random stream whose choices are the bytes that a fuzzer gives: changing a byte changes a choice."""

from random import Random


class BytesStream(Random):
    """A stream that reads bytes, and after the last one goes on with what a seed of them gives."""

    def __new__(cls, data: bytes) -> "BytesStream":
        return super().__new__(cls)

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._data, self._place = data, 0

    def getrandbits(self, k: int) -> int:
        """The next k bits, a whole number of bytes."""
        size = (k + 7) // 8
        taken = self._data[self._place : self._place + size]
        self._place += size
        if len(taken) < size:
            return super().getrandbits(k)
        return int.from_bytes(taken, "little") & ((1 << k) - 1)

    def random(self) -> float:
        """The next two bytes as a number from 0 to 1."""
        return self.getrandbits(16) / 2**16
