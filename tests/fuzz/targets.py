"""All targets by name."""

from fuzz import ablation_tables, command_lines, configurations, model_files, public_calls, saved_fits, stores, weights_files

_MODULES = (model_files, configurations, ablation_tables, saved_fits, stores, weights_files, command_lines, public_calls)
TARGETS = {one.TARGET.name: one.TARGET for one in _MODULES}
