"""Gaussian elimination over GF(p) by matrix products: of a matrix in memory, in slabs, and over files.

- `rank` holds the doors: `rank_mod_p` for users, `rank_in_place` and `rank_of_slabs` for the solver.
- `columns` eliminates a matrix in memory, recursively, half of its columns at a time.
- `files` eliminates a matrix that memory has no room for, and keeps what it needs later in a temporary file.
- `products` multiplies matrices over GF(p): Strassen's algorithm over the tiles of an engine, on the threads given.
- `engines` are the ways to multiply a tile exactly: float64, float32, and in `byte_products` 8-bit integers.
- `engine_choice` takes the fastest that serves a prime, by `rates`; `machine` describes what there is.
- `device_products` multiplies on a GPU, by `device_engines`; `devices` knows which there are.
- `kernels` holds the compiled loops under all of these.
- `costs` says what an elimination takes, memory and operations, and counts how far one has come.

Five words name pieces of a matrix here, from large to small:

- A *slab* is a set of columns that is made only if the slabs before it do not decide the rank.
- A *strip* is a set of columns that fits into memory, where the whole matrix does not; one is in memory at a time.
- A *panel* is `PANEL` neighbouring columns, which one compiled kernel eliminates.
- A *tile* is a rectangle of a product, small enough to stay in a core's share of the cache.
- A `Part` is any rectangle of a matrix, named by its place: what products read and write.

A *pivot* is the first nonzero entry that elimination meets in a column; its *multipliers* are the numbers by which its
row is subtracted from the rows below it.
"""
