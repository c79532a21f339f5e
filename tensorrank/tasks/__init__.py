"""Tasks that separate attention from other architectures, by the ranks of their communication matrices.

A task, such as `Match3` or `SparseAveraging`, has a reference solution (`solve`), random inputs with balanced labels
(`examples`) and communication matrices (`communication`): the values at every input of side A, a row each, and of side
B, a column each. `CommunicationMatrix.ranks` computes the ranks, and `CommunicationRanks.model_bounds` says what they
demand of recurrent models, finite-state machines and attention. `NAMED_TASKS` has the tasks of the command line.

The attention units that solve tasks are in `tensorrank.units`.

>>> import tensorrank as tr
>>> task = tr.tasks.Match3(tokens=7, modulus=7)  # do two tokens sum to 0 modulo 7 with the asking one?
>>> task.communication(anchor=1).ranks().fields
{'Q': 10, 'GF(2)': 10, 'GF(3)': 10}
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
