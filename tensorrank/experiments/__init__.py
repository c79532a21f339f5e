"""Experiments: one file a question, answered by measured rows and findings in words.

- What does attention over triplets, or more tokens, buy over pairs? `order_ranks`.
- What do the gates of a linear recurrence buy over causal attention? `gate_ranks`.
- How much do walks across a boundary let a graph network correlate its sides? `walk_ranks`.
- What do chains and trees represent that a shallow mixture does not? `interleaved_ranks`, `level_sizes` with `cut_to`.
- What do the formats of tensors need of one another? `format_ranks`, `perfect_matching_states`, `measure_hierarchy`.
- How well do shallow mixtures approximate deep ones? `shallow_approximations`, `wall_of`, `growing_depth`.
- What does depth buy on data? `compare_depths` of a `MixtureFamily`.
- Which architecture makes the most of its parameters? `compare` of `contenders`.
- What does sparse averaging ask of a model? `error_by_dimension`, `least_dimensions`, `bits_by_dimension`,
  `model_sizes`.
- What does finding triples ask of attention? `detect_triples`.
- How do the ranks of a task grow with its size? `communication_growth`.

Every result is a frozen record with `to_dict`; `tensorrank.figures` has a picture of each.

>>> import tensorrank as tr
>>> found = tr.experiments.interleaved_ranks([4, 8])
>>> [(row.model, row.sites, row.rank.value) for row in found.rows][:2]
[('hidden_markov', 4, 4), ('hidden_markov', 8, 16)]
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
