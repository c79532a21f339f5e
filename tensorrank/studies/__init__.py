"""Studies: the ranks of many models, computed anywhere, and kept in a store that survives interruption.

- `study` has `Study`, `sweep` makes its models from lists of sizes, and `model_key` tells models apart.
- `run` answers jobs from the store (`store`, `store_files`), or sends them to a scheduler: threads of this process
  (`scheduler`) or a Dask cluster (`cluster`, `cluster_connection`, `cluster_workers`).
- `events` tells watchers what happens; `pace` and `summary` are two of these; `export` writes tables.
"""
