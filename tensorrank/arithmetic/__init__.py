"""Exact arithmetic over prime fields, ranks of matrices of numbers, and what the machine offers for them.

- `prime_field` has `PrimeField`: arrays over GF(p), and the exact images of whole numbers, fractions and floats there.
- `elimination` is the wing for `rank_mod_p`: the rank over GF(p), in memory and over files.
- `rational_rank` gives the rank over the rationals, from ranks modulo several primes; `spectrum` has `numerical_rank`,
  the rank in floating point with its singular values.
- `resources` knows memory and threads, and has the types and refusals that go with them; `randomness` makes streams of
  random numbers; `arrays` names the types of arrays.
"""
