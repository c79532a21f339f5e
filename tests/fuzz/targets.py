"""All targets by name."""

from fuzz import (
    ablation_tables,
    atlas_files,
    command_lines,
    configurations,
    model_files,
    public_calls,
    region_graph_files,
    safetensors_files,
    saved_fits,
    stores,
    weights_files,
)

_FILES = (
    model_files,
    configurations,
    ablation_tables,
    saved_fits,
    stores,
    weights_files,
    safetensors_files,
    atlas_files,
    region_graph_files,
)
_MODULES = (*_FILES, command_lines, public_calls)
TARGETS = {one.TARGET.name: one.TARGET for one in _MODULES}
