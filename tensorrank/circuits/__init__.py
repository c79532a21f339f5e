"""Arithmetic circuits: networks of sums and products whose separation ranks are published or bounded.

- `recurrent` has `RecurrentCircuit`, deep recurrent networks whose nonlinearity is the product.
- `convolutional` has `ConvolutionalCircuit`, products over pooling windows; `pooling` has the windows.
"""
