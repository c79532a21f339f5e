"""How every picture gets its axes, its size, the place of its legend, its colours, and its way into a notebook."""
