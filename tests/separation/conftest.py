import pytest

from tensorrank.arithmetic.resources import worker_threads


@pytest.fixture
def pool():
    with worker_threads(2) as threads:
        yield threads
