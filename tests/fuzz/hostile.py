"""Values that no function expects, as Python expressions: an input that fails is then a test as it stands."""

from random import Random

from fuzz.lists import lines

EVERYTHING = tuple(map(lines, ("numbers", "texts", "objects", "containers", "arrays")))
_WRAPPED = ("[{}]", "({},)", "[{0}, {0}]", "{{'x': {}}}", "np.array({})", "[[{}]]", "iter([{}])")


def hostile(stream: Random) -> str:
    """An expression of a value that is likely unexpected."""
    chosen = stream.choice(stream.choice(EVERYTHING))
    return stream.choice(_WRAPPED).format(chosen) if stream.random() < 0.08 else chosen
