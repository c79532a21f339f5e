import pytest
from studies.stored_ranks import LIMITS, model, rank_of

from tensorrank.studies.store import Store


@pytest.fixture
def full_store(tmp_path):
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        for depth in range(1, 200):
            store.put(model(depth), rank_of(215, 232, "lower bound"), LIMITS)
    return path
