"""The identity bound: the separation rank at identity weights, in closed form, for many tokens.

Let one head have the identity for all four matrices, and let all other heads be zero. A layer then multiplies every
token by the moment matrix M, and M becomes M^3. So the output, coordinate u of token x, is that of M^C x. Its rank
for at least d tokens a side is a lower bound for almost all weights, if a head has width d.

**Statement.** Let R_j(d) be the sum of dim S_(2 mu)(d) over the partitions mu of j with at most d rows and mu_3 <= 1.
The part of degree k in the moments of the output token's side has the rank R_(k+1)(d) - R_(k+1)(d-1) for k < C / 2,
and R_(C-k)(d) for the others.

**Proof.** The forms of degree j in the entries of M are S^j(S^2 V), the sum of all S_(2 mu) V with |mu| = j, each
once. Such a form p gives a differential operator p(D). Let T_m be the trace of M^m. For all symmetric M and N

    -log det(1 - M - N) = -log det(1 - M) + sum_j tr((Y N)^j) / j,    Y = (1 - M)^-1.

So the sum of p(D) T_m(M) / m over all m is P(Y) / j, where P(Y) is p(D) applied to tr((Y N)^j) as a form in N.

1. *If p(D) T_m = 0 for an m of at least 2 j, then P = 0.* Put M + t for M: p(D) T_i = 0 for all i <= m. So P(Y) is
   zero at Y = 1 to the order m - j + 1. A form of degree j that is zero to a higher order than j at a point is zero.
2. *P = 0 if and only if p lies in K, the sum of the S_(2 mu) V with mu_3 >= 2.* The map from p to P commutes with
   GL(V), so it is a number t_mu on S_(2 mu) V. Take for p the product of leading minors to the powers mu_i -
   mu_(i+1). Then p(D) applied to -log det(1 - N) at N = 0 is t_mu up to a positive factor. Now det(1 - N)^-s is the
   expectation of exp tr(N W) for a Wishart matrix W with 2 s degrees of freedom. By Bartlett's decomposition p(D)
   makes of it the product of s + c - 1 - (r-1) / 2 over all boxes of mu, in row r and column c. The derivative at s =
   0 is t_mu. Boxes (1, 1) and (3, 2) give factors s; without the second there is only one, and the derivative is not
   zero.
3. *Parts with k < C / 2.* Part k consists of the derivatives of order k of row u of M^C, which are first derivatives
   of T_(C+1) by the entries of row u. So its rank is the dimension of the forms of degree k + 1 in the ideal J of
   these entries, less those of them with p(D) T_(C+1) = 0. Since 2 (k+1) <= C + 1, these are the ones in K. All forms
   modulo K are R_(k+1)(d), those modulo K and J are R_(k+1)(d-1): without row u, S_(2 mu) V becomes S_(2 mu) of
   dimension d-1.
4. *Parts with c = C - k <= C / 2.* Let q be a form of degree c >= 1 such that q(D) T_(C+1) does not depend on row u.
   It has to be shown that q lies in K; then the rank is that of all forms modulo K, R_c(d). By step 1 no q(D) T_m
   with m <= 2 c + 1 depends on row u. So P(Y), now of degree c, is a function G of the block M'' without row u, up to
   order c + 1 in M. Write Y in blocks as (y, -y h^T; -y h, W + y h h^T), where W is the inverse of 1 - M''. The
   coefficient in P of a power of h of degree e is a form of degree c in y and W. For e = 1 and 2 it is y times a form
   of degree c - 1, and zero to the order c + 2 - e >= c at y = 1, W = 1: it is zero. For e = 0 its derivative by y is
   zero for the same reason. So if P is written as a polynomial in y, the entries of -y h and those of W + y h h^T,
   then what is free of -y h is a form f in the last alone. No term is linear in -y h, and of degree 2 in h there are
   quadratic ones, with a factor y^2, and y times the derivative of f along h h^T. All are zero. Hence f is constant,
   f = 0, and P = 0 at h = 0. So G is zero to the order c + 2, and P is. But P is of degree c: P = 0, and q lies in K
   by step 2.

**Counting.** K is an ideal, that of all p(D) which take every T_m to zero, and its zeros are the matrices of rank at
most two, a set of dimension 2 d - 1. So the series of the R_j, which count the polynomials modulo K, is a polynomial
over (1 - x)^(2d-1), and R_j is a polynomial in j from some j on. Where mu has t rows of 1 below its first two, the
dimensions are a polynomial in mu_1 and mu_2. Their sum over all mu_2 up to (j - t) / 2 is one polynomial in j for even
j >= t and one for odd j >= t. Since t <= d - 2, and both agree far out, R_j is a polynomial from j = d - 2 on. Hence
the numerator has degree at most 3 d - 4.
"""

from __future__ import annotations

from functools import cache
from math import comb

from tensorrank.attention.large_counts import checked_size, log3_crossing_sum, refuse_deep, refuse_long
from tensorrank.errors import TooLargeError
from tensorrank.separation.hilbert import HilbertSeries

# Several times the partitions whose dimensions are counted in about a second.
_MOST_PARTITIONS = 10**6


def identity_bound(depth: int, width: int) -> int:
    """The identity bound: a lower bound on the separation rank between many tokens, with one head of full width.

    It is the rank at identity weights for at least d tokens a side. Almost all weights have at least as much. Fewer
    tokens, or narrower heads, have the bound of a network of that smaller width, which they contain.

    Args:
        depth: L.
        width: d.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, or counting would take minutes.

    Source: the statement and proof at the head of `tensorrank.attention.identity_weights`.

    >>> [identity_bound(depth, 2) for depth in (1, 2, 3)], identity_bound(3, 3)
    ([3, 17, 196], 2512)
    """
    depth, width = checked_size("depth", depth), checked_size("width", width)
    refuse_deep(depth, "the identity bound", "Try two_token_rank")
    about = (HilbertSeries((functions,), 2 * width - 1) for functions in (width, 1))
    refuse_long("the identity bound", log3_crossing_sum(depth, *about), "Try smaller sizes")
    degree = (3**depth - 1) // 2
    rows, columns = (degree + 1) // 2, degree // 2
    return _forms_to(width, rows) - _forms_to(width - 1, rows) + _forms_to(width, columns)


def identity_ranks(degree: int, width: int) -> list[int]:
    """The ranks of all parts at identity weights, by the degree in the moments of the output token's side.

    >>> identity_ranks(4, 2)
    [2, 5, 6, 3, 1]
    """
    rows = [_forms(width, k + 1) - _forms(width - 1, k + 1) for k in range((degree + 1) // 2)]
    return rows + [_forms(width, c) for c in range(degree // 2, -1, -1)]


def _forms(width: int, degree: int) -> int:
    """R_j(d): the forms of degree j in the entries of M, modulo those that identity weights do not show."""
    if degree <= _longest(width):
        return _listed(width, degree)
    return _series(width).value(degree)


def _forms_to(width: int, degree: int) -> int:
    """The sum of R_j(d) for j = 0..n."""
    if degree <= _longest(width):
        _refuse_many(width, degree)
        return sum(_listed(width, j) for j in range(degree + 1))
    return _series(width).sum_to(degree)


def _refuse_many(width: int, degree: int) -> None:
    """Refuse to count forms of all degrees up to this one, if that would take minutes."""
    if degree * min(width, degree) * degree > _MOST_PARTITIONS:
        raise TooLargeError(
            f"counting forms of degree {degree} at width {width} would take minutes; expected smaller sizes. Try two_token_rank"
        )


def _longest(width: int) -> int:
    """The degree up to which forms are counted one by one; the series follows from as many."""
    return max(3 * width - 4, 0)


@cache
def _series(width: int) -> HilbertSeries:
    """The series of R_j(d), from its first coefficients."""
    pole, longest = max(2 * width - 1, 0), _longest(width)
    _refuse_many(width, longest)
    first = [_listed(width, j) for j in range(longest + 1)]
    signs = [(-1) ** i * comb(pole, i) for i in range(longest + 1)]
    return HilbertSeries(tuple(sum(signs[i] * first[j - i] for i in range(j + 1)) for j in range(longest + 1)), pole)


@cache
def _listed(width: int, degree: int) -> int:
    """R_j(d), as the sum of the dimensions for all partitions (a, b, 1, ..., 1) of j."""
    if width < 2:
        return int(width == 1 or degree == 0)
    count = comb(width + 2 * degree - 1, width - 1)
    for ones in range(min(width - 1, degree)):
        for second in range(1, (degree - ones) // 2 + 1):
            count += _dimension(width, 2 * (degree - ones - second), 2 * second, ones)
    return count


def _dimension(width: int, first: int, second: int, twos: int) -> int:
    """The dimension of S_lambda for lambda = (A, B, 2, ..., 2), by the product of contents over that of hooks.

    >>> _dimension(3, 2, 2, 0), _dimension(3, 2, 2, 1)
    (6, 1)
    """
    choices = width * (width - 1) * _choose(width - 2, twos) * _choose(width, twos + 1) * (first - second + 1)
    hooks = (first + twos) * (first + twos + 1) * (second + twos - 1) * (second + twos)
    return choices * _choose(width + first - 1, width) * _choose(width + second - 2, width) // hooks


_choose = cache(comb)
