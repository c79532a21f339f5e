"""How deep and how wide: the published fit of trained networks, known models, ablations, and advice on a shape.

`optimum` gives the best shape for a number of parameters, and `advise` judges a shape. `read_config` reads the shape
and the parameters of a transformer from its config.json. `read_ablation` with `Ablation.fit` fits the guideline to
losses of your own networks. Sizes are parameters without embeddings.

>>> import tensorrank as tr
>>> tr.guidelines.optimum(175e9).shape  # layers and width for so many parameters
(81, 13418)
>>> tr.guidelines.advise(depth=96, width=12288).verdict
'wider'
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
