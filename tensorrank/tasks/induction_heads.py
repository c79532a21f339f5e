"""Induction heads: which token followed the last occurrence of the present one? And so on from there, k times."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import NDArray

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.arrays import Integers
from tensorrank.checked import checked
from tensorrank.tasks.word_task import WordTask

# As many symbols as a table of 64-bit numbers can be indexed by.
_MOST_SYMBOLS = 2**62


@checked
@dataclass(frozen=True)
class InductionHeads(WordTask):
    """The task of induction heads: which token followed the last earlier occurrence of the last token?

    With k hops the question is asked again at the place that was found: the next token equal to that one is looked for
    before it, and the token that follows is found, k times in all. With 0 hops the last token itself is the answer.

    Args:
        tokens: N, the length of a word.
        symbols: how many different tokens there are.
        hops: k.

    Sites are the tokens. The answer is that of the last token, who asks: 0 if there is no such occurrence, else 1 plus
    the token found. Formally, hop(i) is the largest j <= i with x_(j-1) = x_i, or none; the answer is x_j at
    j = hop(hop(...hop(N))), and 0 from the first hop on that finds none. Answers of earlier tokens are those of the
    words that end with them.

    Known: if A holds all tokens but the last, and B that one, there are as many different columns as symbols (from two
    tokens on).

    Raises:
        TensorRankError: if there are fewer than 2 tokens or symbols, fewer than 0 hops, or a number is not whole.

    Sources: Sanford, Hsu and Telgarsky, Transformers, parallel computation, and logarithmic depth (ICML 2024, arXiv
    2402.09268), k-hop induction heads; One-layer transformers fail to solve the induction heads task (arXiv
    2408.14332), whose definition this is for one hop.

    >>> InductionHeads(tokens=6, symbols=3).solve([[0, 2, 1, 0, 1, 0], [0, 1, 1, 0, 0, 2]])
    array([2, 0])
    >>> InductionHeads(tokens=6, symbols=3, hops=2).solve([[0, 2, 1, 0, 1, 0], [0, 1, 0, 0, 1, 0]])
    array([1, 1])
    """

    tokens: int
    symbols: int
    _: KW_ONLY
    hops: int = 1

    question = "is it token 0?"
    accepted = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", whole_number("tokens", self.tokens, 2))
        object.__setattr__(self, "symbols", whole_number("symbols", self.symbols, 2, _MOST_SYMBOLS))
        object.__setattr__(self, "hops", whole_number("hops", self.hops, 0))

    def __str__(self) -> str:
        heads = "induction heads" if self.hops == 1 else f"{self.hops}-hop induction heads"
        return f"{heads} over {self.symbols} symbols"

    @property
    def sites(self) -> int:
        """N, the tokens."""
        return self.tokens

    @property
    def alphabet(self) -> int:
        """How many different tokens there are."""
        return self.symbols

    def _answers(self, symbols: Integers) -> Integers:
        # Places are numbered from 1, and 0 is no place. All numbers are as short as they can be.
        short = np.min_scalar_type(max(self.tokens, self.symbols) + 1).type
        place = np.full(symbols.shape[1], self.tokens, dtype=short)
        asked = symbols[-1].astype(short)
        for _ in range(self.hops):
            found, token = np.zeros_like(place), np.zeros_like(asked)
            for i in range(1, self.tokens):
                # If token i equals the one that asks later, the place of its follower is i + 1; the last one counts.
                follower = ((symbols[i - 1] == asked) & (place > i)) * short(i + 1)
                np.maximum(found, follower, out=found)
            # Places only fall, and one that stays will stay.
            if (found == place).all():
                break
            for i in range(1, self.tokens):
                token |= (found == i + 1) * symbols[i].astype(short)
            place, asked = found, token
        return np.where(place > 0, asked + 1, 0)

    def _random_words(self, labels: NDArray[np.bool_], rng: np.random.Generator) -> Integers:
        # Fewer symbols are tried where no hop finds anything: with a single one every hop does.
        words = np.zeros((len(labels), self.tokens), dtype=np.int64)
        missing, few = np.arange(len(labels)), self.symbols
        while len(missing):
            words[missing] = rng.integers(few, size=(len(missing), self.tokens))
            missing = missing[self._solved(words[missing]) == 0]
            few = max(1, few // 2)
        # The answer becomes token 0, or another, when two symbols are exchanged throughout a word.
        answers = self._solved(words) - 1
        wanted = np.where(labels, 0, rng.integers(1, self.symbols, len(labels)))
        answers, wanted = answers[:, None], wanted[:, None]
        return np.where(words == answers, wanted, np.where(words == wanted, answers, words))
