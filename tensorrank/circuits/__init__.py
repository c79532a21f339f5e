"""Arithmetic circuits: networks of sums and products whose separation ranks are published or bounded.

- `recurrent` has `RecurrentCircuit`, deep recurrent networks whose nonlinearity is the product.
- `gated_recurrence` has `GatedRecurrence`: linear attention, selective state-space models and stacks of both;
  `gated_values` evaluates it, and `gated_degrees` has its bounds.
- `graph_network` has `GraphNetwork`, products over the neighbours of a vertex; `graph_bounds` has its bounds, `walks`
  the walk index, and `given_graphs` reads graphs.
- `convolutional` has `ConvolutionalCircuit`, products over pooling windows; `pooling` has the windows.
"""
