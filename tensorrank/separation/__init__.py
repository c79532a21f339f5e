"""Separation ranks: partitions of the sites, the two methods that compute ranks, and the standing of a result.

- `architecture` has the base classes of what has a rank, `partition` the two sides, `solve` and `numerical` the doors.
- `plan` chooses a method within limits, `draws` makes weights and primes, `jobs` can be computed anywhere.
- `catalecticant`, `hankel`, `blocks`, `interpolation` and `derivatives` are the catalecticant method; sampled matrices
  are in `grid`, and `distinct` keeps their inputs apart. `called` calls functions that users bring.
- `hilbert` counts the functions that a side can offer: the moment bound.
- `evidence` is what the draws prove together, and `result` has the `SeparationRank` with its standing.
- `rounding` says what rounding leaves of an exact rank of floats, `containment` that a model has at least the rank of
  those inside it.
"""
