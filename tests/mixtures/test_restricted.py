from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures.brute_force import all_states, latent_tree_table, marginal_of
from mixtures.small_trees import trees


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_the_marginal_of_some_variables(data):
    tree = data.draw(trees())
    sites = sorted(data.draw(st.sets(st.integers(0, tree.sites - 1), min_size=1)))
    small = tree.restricted(sites)
    expected = marginal_of(latent_tree_table(tree), sites)
    assert (small.probability(all_states(small.shape)) == expected.ravel()).all()
    assert small.leaves == tuple(tree.leaves[site] for site in sites)
