"""The command line. A verb is a file that parses, calls and prints; `main` lists the verbs.

Long verbs have further files beside theirs: `circuit` belongs to `rank`, `advice_text` to `advise`, `show_store` to
`show`. What several verbs use is in `shared`.
"""
