"""Homogeneous mixtures: latent class, hidden Markov, latent tree, tensorial mixture, hierarchical and sum-product.

Each kind is a file of this room (`sum_product` a wing), and `kinds` lists them. `mixture` has what every kind offers,
`density` what is asked of it, `gaussian` the components of continuous variables, `tables` the checks of tables. The
wings:

- `evaluation`: circuits of slots, and passes over them: log-densities, flows, paths; derivatives, samples.
- `formats`: files, and models of other libraries.
- `reductions`: each kind as the others, the check that both are equal, and obstructions.
- `approximation`: shallow mixtures near a deep one.
- `fitting`: expectation-maximisation.
- `decoding`: what was hidden or missing, given what was observed.
"""
