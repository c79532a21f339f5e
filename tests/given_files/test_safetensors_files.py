import json
import struct

import numpy as np
import pytest

from tensorrank.attention.trained.adapters import from_safetensors, from_torch
from tensorrank.errors import TensorRankError, WeightsError
from tensorrank.given_files.safetensors_files import floats_of, tensors_in


def written(path, tensors, *, header=None, cut=0):
    """A file as the format describes it: tensors are (type, shape, bytes)."""
    entries, body = {}, b""
    for name, (kind, shape, content) in tensors.items():
        entries[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [len(body), len(body) + len(content)]}
        body += content
    text = json.dumps({"__metadata__": {"format": "pt"}} | entries if header is None else header).encode()
    content = struct.pack("<Q", len(text)) + text + body
    path.write_bytes(content[: len(content) - cut])
    return path


def floats(array, kind="<f4"):
    array = np.asarray(array)
    return {"<f4": "F32", "<f2": "F16", "<f8": "F64"}[kind], array.shape, array.astype(kind).tobytes()


def layer(prefix="", seed=0):
    rng = np.random.default_rng(seed)
    arrays = {"in_proj_weight": rng.standard_normal((6, 2)), "out_proj.weight": rng.standard_normal((2, 2))}
    return {f"{prefix}{name}": array.astype(np.float32) for name, array in arrays.items()}


def test_all_types_of_floats_are_read_exactly(tmp_path):
    # Bits of bfloat16: 1.0 is 0x3f80, -2.5 is 0xc020, the least positive one 2^-133.
    half = struct.pack("<3H", 0x3F80, 0xC020, 0x0001)
    file = written(
        tmp_path / "a.safetensors",
        {
            "b": ("BF16", (3,), half),
            "h": floats([0.1, 2], "<f2"),
            "s": floats([[0.1]]),
            "d": floats([0.1], "<f8"),
            "0": floats(3),
        },
    )
    stored = tensors_in(file)
    found = floats_of(stored, stored)
    assert found["b"].tolist() == [1.0, -2.5, 2.0**-133]
    assert found["h"].tolist() == [float(np.float16(0.1)), 2.0]
    assert found["s"].tolist() == [[float(np.float32(0.1))]]
    assert found["d"].tolist() == [0.1]
    assert found["0"].shape == ()


def test_layers_of_a_file_are_those_of_its_tensors(tmp_path):
    arrays = layer("h.0.") | layer("h.1.", 1)
    file = written(
        tmp_path / "a.safetensors", {name: floats(array) for name, array in arrays.items()} | {"ids": ("I64", (0,), b"")}
    )
    trained, expected = from_safetensors(file, heads=1, causal=False), from_torch(arrays, heads=1, causal=False)
    assert repr(trained) == repr(expected)
    for block, other in zip(trained.blocks, expected.blocks, strict=True):
        np.testing.assert_array_equal(block.query, other.query)
        np.testing.assert_array_equal(block.output, other.output)
    assert trained.left_out == ("ids",)


def test_a_folder_of_files_makes_one_model(tmp_path):
    for i in range(2):
        written(tmp_path / f"model-{i}.safetensors", {name: floats(array) for name, array in layer(f"h.{i}.").items()})
    assert from_safetensors(tmp_path, heads=1, causal=True).depth == 2
    written(tmp_path / "again.safetensors", {name: floats(array) for name, array in layer("h.1.").items()})
    with pytest.raises(WeightsError, match=r"'h.1.in_proj_weight' is in again.safetensors and in model-1.safetensors"):
        from_safetensors(tmp_path, heads=1, causal=True)


def in_two_files(folder, prefixes=("h.0.", "h.1."), listed=None):
    """A model in two files, with an index; and a third file with the same tensors, of which the index says nothing."""
    places, every = {}, {}
    for number, prefix in enumerate(prefixes):
        tensors = {name: floats(array) for name, array in layer(prefix, number).items()}
        places |= dict.fromkeys(tensors, f"part-{number}.safetensors")
        every |= tensors
        written(folder / f"part-{number}.safetensors", tensors)
    written(folder / "variant.safetensors", every)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": listed or places}))
    return index


def test_an_index_says_which_files_make_the_model(tmp_path):
    index = in_two_files(tmp_path)
    for path in (index, tmp_path):
        assert from_safetensors(path, heads=1, causal=False).depth == 2
    index.unlink()
    with pytest.raises(WeightsError, match=r"is in part-0.safetensors and in variant.safetensors; expected it once: give one"):
        from_safetensors(tmp_path, heads=1, causal=False)


def test_files_and_tensors_that_an_index_names_are_there(tmp_path):
    in_two_files(tmp_path)
    (tmp_path / "part-1.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"index.json names files that are not there: part-1.safetensors; expected all"):
        from_safetensors(tmp_path, heads=1, causal=False)
    in_two_files(tmp_path, listed={"h.7.in_proj_weight": "part-0.safetensors"})
    with pytest.raises(WeightsError, match=r"names tensors that no file has: h.7.in_proj_weight; copy the files again"):
        from_safetensors(tmp_path, heads=1, causal=False)


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ([1], r"has the weight_map \[1\]; expected names of files by those of tensors"),
        ({"a": 5}, r"has the weight_map .*5.*; expected names of files"),
        ({"a": "../part-0.safetensors"}, "names the file '../part-0.safetensors'; expected files in its own folder"),
    ],
)
def test_an_index_of_another_form_is_refused(tmp_path, listed, message):
    index = in_two_files(tmp_path, listed=listed)
    with pytest.raises(WeightsError, match=message):
        from_safetensors(index, heads=1, causal=False)


def test_a_layer_of_which_a_file_has_a_part_is_refused(tmp_path):
    arrays = layer("h.0.") | layer("h.1.", 1)
    del arrays["h.1.out_proj.weight"]
    file = written(tmp_path / "a.safetensors", {name: floats(array) for name, array in arrays.items()})
    with pytest.raises(WeightsError, match=r"h.1.in_proj_weight is there without h.1.out_proj.weight; .*: give all files"):
        from_safetensors(file, heads=1, causal=False)


def test_layers_of_other_networks_in_a_file_are_left_alone(tmp_path):
    # Numbers in names tell two networks apart as little as two layers; one of the two is broken.
    arrays = layer("net0.h.0.") | layer("net1.h.0.", 1)
    del arrays["net1.h.0.out_proj.weight"]
    file = written(tmp_path / "a.safetensors", {name: floats(array) for name, array in arrays.items()})
    found = from_safetensors(file, heads=1, causal=False, under="net0.")
    assert found.read == (("net0.h.0.in_proj_weight", "net0.h.0.out_proj.weight"),)


def test_what_a_file_does_not_say_has_to_be_given(tmp_path):
    file = written(tmp_path / "a.safetensors", {name: floats(array) for name, array in layer().items()})
    with pytest.raises(TensorRankError, match="heads are not given, and a file does not say them; give num_attention_heads"):
        from_safetensors(file, causal=False)
    with pytest.raises(TensorRankError, match="causal is not given, and a file does not say it; give causal=True for"):
        from_safetensors(file, heads=2)


def test_a_scale_of_ones_own_is_taken(tmp_path):
    file = written(tmp_path / "a.safetensors", {name: floats(array) for name, array in layer().items()})
    assert from_safetensors(file, heads=1, causal=False, scale=3).scale == 3.0


def test_files_of_the_library_are_read(tmp_path):
    save_file = pytest.importorskip("safetensors.numpy").save_file
    save_file(layer(), tmp_path / "a.safetensors", {"format": "np"})
    stored = tensors_in(tmp_path / "a.safetensors")
    for name, array in floats_of(stored, stored).items():
        np.testing.assert_array_equal(array, layer()[name])


def test_bfloat16_of_pytorch_is_read(tmp_path):
    torch, library = pytest.importorskip("torch"), pytest.importorskip("safetensors.torch")
    tensor = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)).bfloat16()
    library.save_file({"x": tensor}, tmp_path / "a.safetensors")
    np.testing.assert_array_equal(floats_of(tensors_in(tmp_path / "a.safetensors"), ["x"])["x"], tensor.double().numpy())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file has 0 bytes and would begin with a header of 0"),
        (b"PK\x03\x04" + bytes(40), "and would begin with a header of .*; expected a file of safetensors"),
        (struct.pack("<Q", 4) + b"\xff\xfe\xff\xfe", "begins with no header in UTF-8"),
        (struct.pack("<Q", 4) + b"[1] ", r"the header is \[1\]; expected tensors by name"),
        (struct.pack("<Q", 4) + b"{{{{", "expected JSON: the header of a file of safetensors"),
    ],
)
def test_other_files_are_refused(tmp_path, content, message):
    file = tmp_path / "a.safetensors"
    file.write_bytes(content)
    with pytest.raises(TensorRankError, match=f"a.safetensors: .*{message}"):
        from_safetensors(file, heads=1, causal=False)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (3, "'x' is 3 in the header; expected dtype, shape and data_offsets"),
        ({"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}, "expected dtype, shape and data_offsets"),
        ({"dtype": "F32", "shape": [1], "data_offsets": [0]}, "expected dtype, shape and data_offsets"),
        ({"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}, "'x' ends 8 bytes behind the header, the file 4"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}, r"'x', F32 of shape \(2,\), has 4 bytes; the file is damaged"),
        ({"dtype": "F32", "shape": [10**30], "data_offsets": [0, 4]}, "the file is damaged"),
    ],
)
def test_headers_that_lie_are_refused(tmp_path, entry, message):
    file = written(tmp_path / "a.safetensors", {"x": floats([1.0])}, header={"x": entry})
    with pytest.raises(WeightsError, match=message):
        tensors_in(file)


def test_files_cut_off_are_refused(tmp_path):
    file = written(tmp_path / "a.safetensors", {name: floats(array) for name, array in layer().items()}, cut=1)
    with pytest.raises(WeightsError, match=r"'out_proj.weight' ends 64 bytes behind the header, the file 63: copy it again"):
        from_safetensors(file, heads=1, causal=False)


def test_quantised_tensors_are_refused_only_where_they_are_needed(tmp_path):
    tensors = {name: floats(array) for name, array in layer().items()}
    file = written(tmp_path / "a.safetensors", tensors | {"other": ("F8_E4M3", (2,), b"ab")})
    assert from_safetensors(file, heads=1, causal=False).left_out == ("other",)
    file = written(tmp_path / "b.safetensors", tensors | {"out_proj.weight": ("F8_E4M3", (2, 2), b"abcd")})
    with pytest.raises(WeightsError, match=r"out_proj.weight is of type F8_E4M3; expected F64, F32, F16 or BF16"):
        from_safetensors(file, heads=1, causal=False)


def test_missing_files_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(TensorRankError, match="cannot be read"):
        from_safetensors(tmp_path / "nowhere", heads=1, causal=False)
    with pytest.raises(TensorRankError, match="cannot be read"):
        from_safetensors("é" * 5000, heads=1, causal=False)
    with pytest.raises(TensorRankError, match=r"the folder has no file that ends in .safetensors"):
        from_safetensors(tmp_path, heads=1, causal=False)
