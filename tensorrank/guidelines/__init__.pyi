"""The names of `tensorrank.guidelines` and where each stands: `lazy_loader` and type checkers read them here."""

from .ablation import Ablation as Ablation
from .ablation_files import read_ablation as read_ablation
from .advice import NOT_SAID as NOT_SAID, Advice as Advice, Optimum as Optimum, advise as advise, optimum as optimum
from .config_files import read_config as read_config
from .crossings import Crossing as Crossing, Curve as Curve
from .known_models import (
    KNOWN_MODELS as KNOWN_MODELS,
    PUBLISHED_PROJECTIONS as PUBLISHED_PROJECTIONS,
    KnownModel as KnownModel,
    Projection as Projection,
)
from .model_config import ModelConfig as ModelConfig, Stack as Stack
from .shared_keys import SharedKeys as SharedKeys, shared_keys as shared_keys
from .transitions import PUBLISHED as PUBLISHED, TransitionFit as TransitionFit
