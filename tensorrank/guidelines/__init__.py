"""How deep and how wide: the published fit of trained networks, known models, ablations, and advice on a shape.

`optimum` gives the best shape for a number of parameters, and `advise` judges a shape. `read_config` reads the shape
and the parameters of a transformer from its config.json. `read_ablation` with `Ablation.fit` fits the guideline to
losses of your own networks. Sizes are parameters without embeddings.
"""

from tensorrank.guidelines.ablation import Ablation
from tensorrank.guidelines.ablation_files import read_ablation
from tensorrank.guidelines.advice import Advice, Optimum, advise, optimum
from tensorrank.guidelines.config_files import read_config
from tensorrank.guidelines.crossings import Crossing, Curve
from tensorrank.guidelines.known_models import KNOWN_MODELS, PUBLISHED_PROJECTIONS, KnownModel, Projection
from tensorrank.guidelines.model_config import ModelConfig, Stack
from tensorrank.guidelines.transitions import PUBLISHED, TransitionFit

__all__ = [
    "KNOWN_MODELS",
    "PUBLISHED",
    "PUBLISHED_PROJECTIONS",
    "Ablation",
    "Advice",
    "Crossing",
    "Curve",
    "KnownModel",
    "ModelConfig",
    "Optimum",
    "Projection",
    "Stack",
    "TransitionFit",
    "advise",
    "optimum",
    "read_ablation",
    "read_config",
]
