import pytest

import tensorrank


def test_every_public_name_is_there():
    for name in tensorrank.__all__:
        assert getattr(tensorrank, name) is not None
    assert {*dir(tensorrank), "__version__"} == {*tensorrank.__all__}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="No tensorrank attribute nonsense"):
        _ = tensorrank.nonsense
