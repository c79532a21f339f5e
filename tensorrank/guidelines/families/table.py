"""All families by the model_type of their configurations."""

from __future__ import annotations

from tensorrank.guidelines.families.decoders import DECODERS
from tensorrank.guidelines.families.encoder_decoders import ENCODER_DECODERS
from tensorrank.guidelines.families.encoders import ENCODERS
from tensorrank.guidelines.families.family import Composite, Family
from tensorrank.guidelines.families.images import COMPOSITES, IMAGES
from tensorrank.guidelines.families.mixtures_of_experts import MIXTURES_OF_EXPERTS
from tensorrank.guidelines.families.older_decoders import OLDER_DECODERS

FAMILIES: dict[str, Family | Composite] = {
    **OLDER_DECODERS,
    **DECODERS,
    **MIXTURES_OF_EXPERTS,
    **ENCODERS,
    **ENCODER_DECODERS,
    **IMAGES,
    **COMPOSITES,
}
