import math
import statistics

import pytest

from tensorrank import guidelines
from tensorrank.errors import TensorRankError


def read(tmp_path, text, **options):
    path = tmp_path / "ablation.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return guidelines.read_ablation(path, **options)


def test_widths_become_sizes(tmp_path):
    data = read(tmp_path, "depth,width,loss\n1,8,3\n1,16,2\n2,8,3\n2,16,1\n")
    assert data.depths == (1, 2)
    assert data.curves[0].sizes == (12 * 64, 12 * 256)
    assert data.curves[1].sizes == (24 * 64, 24 * 256)
    assert data.curves[1].losses == (3, 1)
    assert data.curves[0].errors is None
    assert (data.rule, data.has_errors) == (12, False)


def test_parameters_are_taken_as_they_are(tmp_path):
    data = read(tmp_path, "Depth, Parameters, Loss, Error, note\n2,1e3,3,0.1,a\n2,2e3,2,0.2,b\n1,1000,3,.1,\n1,2000,2,1,\n")
    assert data.curves[0].sizes == data.curves[1].sizes == (1000, 2000)
    assert data.curves[1].errors == (0.1, 0.2)


def test_the_rule_is_that_of_the_file_or_as_given(tmp_path):
    text = "depth,width,parameters,loss\n1,10,400,3\n1,20,1600,2\n2,10,800,3\n2,20,3200,1\n"
    assert read(tmp_path, text).rule == 4
    assert read(tmp_path, text, rule=5).rule == 5
    assert read(tmp_path, "depth,width,loss\n1,8,3\n1,16,2\n2,8,3\n2,16,1\n", rule=4).curves[0].sizes == (256, 1024)


def test_networks_trained_more_than_once_are_averaged(tmp_path):
    losses = {(1, 10): [3.0, 3.2], (1, 20): [2.0, 2.1, 2.4], (2, 10): [2.5], (2, 20): [1.0, 1.2]}
    rows = [f"{depth},{width},{loss}" for (depth, width), values in losses.items() for loss in values]
    data = read(tmp_path, "\n".join(["depth,width,loss", *rows]))
    assert data.curves[0].losses == (pytest.approx(3.1), pytest.approx(6.5 / 3))
    assert data.curves[0].runs == (2, 3)
    # One variance for all: within the groups, with as many degrees of freedom as rows less groups.
    several = [values for values in losses.values() if len(values) > 1]
    within = sum((len(values) - 1) * statistics.variance(values) for values in several) / 4
    expected = [math.sqrt(within / n) for n in (2, 3, 1, 2)]
    assert data.single_error == pytest.approx(math.sqrt(within))
    assert data.repeats == 4
    found = [*data.curves[0].errors, *data.curves[1].errors]
    assert found == pytest.approx(expected)


def test_given_errors_of_several_rows_are_those_of_their_mean(tmp_path):
    rows = "1,10,3,0.3\n1,10,3,0.4\n1,20,2,0.1\n2,10,3,0.1\n2,20,1,0.1"
    data = read(tmp_path, f"depth,width,loss,error\n{rows}\n")
    assert data.curves[0].errors == (pytest.approx(0.25), 0.1)


def test_blank_lines_and_marks_of_encoding_are_left_out(tmp_path):
    text = "\ufeffdepth,width,loss\r\n1,8,3\r\n\r\n1,16,2\r\n2,8,3\r\n2,16,1\r\n"
    assert read(tmp_path, text).depths == (1, 2)


def test_sizes_that_hardly_differ_are_one(tmp_path):
    shallow = "1,1000,3\n1,1000.0000001,3.2\n1,1015,3.1\n1,1025,2.9\n1,4000,2\n"
    data = read(tmp_path, f"depth,parameters,loss\n{shallow}2,1e15,3\n2,1000000000000000.125,2\n2,3e15,1\n")
    assert data.curves[0].runs == (3, 1, 1)
    assert data.curves[0].sizes[0] == pytest.approx(3015 / 3)
    assert data.curves[1].runs == (2, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"the columns depth, parameters or width, loss are missing from the header \(none\)"),
        ("depth,loss\n1,2\n", "the column parameters or width is missing from the header depth, loss"),
        ("width,parameters\n1,2\n", "the columns depth, loss are missing"),
        ("depth;width;loss\n1;8;3\n", "separated by something else than commas"),
        ("depth,width,loss\n", "there are no rows below the header"),
        ("depth,width,loss\n6,8,3\n6,16,2\n", "all networks have depth 6; expected two depths or more"),
        ("depth,width,loss\n1,8,3\n1,16,2\n2,8,3\n", "depth 2 has one size only, 1,536; expected two or more"),
        ("depth,width,loss\n1,8,3\n1,16,low\n", "line 3: loss is 'low'; expected a finite number"),
        ("depth,width,loss\n1,8,nan\n", "line 2: loss is 'nan'; expected a finite number"),
        ("depth,width,loss\n1,8\n", "line 2 has 2 values; expected 3, as the header"),
        ("depth,width,loss\n1,-8,3\n", "line 2: width is '-8'; expected a number above 0"),
        ("depth,width,loss\n1.5,8,3\n", "line 2: depth is '1.5'; expected a whole number of layers"),
        ("depth,width,loss\n1,8,3,53\n", "line 2 has more than 3 values; expected 3, as the header"),
        ("depth,width,loss,loss\n1,8,3,4\n", "the column loss is there twice"),
        ("depth,width,loss,error\n1,8,3,0.1\n1,16,2,\n", "line 3: the error is missing; expected one in each row,"),
        ("depth,width,loss\n1,8,1e300\n", "line 2: loss is '1e300'; expected a finite number"),
        ("depth,width,loss\n1,1e200,3\n", "line 2: width is '1e200'; expected a finite number"),
        ("depth,width,loss\n1,1e-200,3\n", "line 2: width is '1e-200'; expected a number above 0"),
        pytest.param("x" * 200_000 + ",depth\n", "field larger than field limit", id="long"),
        ("depth,width,loss,error\n1,8,3,0\n", "line 2: error is '0'; expected a number above 0"),
        ("depth,width,parameters,loss\n1,8,768,3\n2,8,9999,3\n", "goes from 12 to 78.1; expected about the same"),
        ("depth,width,loss\n1,8,1_0\n", "line 2: loss is '1_0'; expected a finite number, such as 0.5 or 1e6"),
        ("depth,width,loss\n1,\u0663,3\n", "line 2: width is '\u0663'; expected a finite number"),
        ("depth,width,loss\n1,8,\x1d3\n", r"line 2: loss is '\\x1d3'; expected a finite number"),
        pytest.param("depth,width,loss\n1,8," + "7" * 100_000 + "/3\n", "line 2: loss is '7777", id="long number"),
        ("depth,width,loss\n1,8,1e400\n", "line 2: loss is '1e400'; expected a finite number"),
        ("depth,width,loss\n1e7,8,3\n", "line 2: depth is '1e7'; expected a whole number of layers, at most 1000000"),
        ('depth,width,loss\n1,8,"3\n', "line 2: unexpected end of data; expected CSV"),
        ("depth,width,loss\n1,8,3\0\n", "line 2 has a NUL character; expected CSV"),
        (b"depth,width,loss\n1,8,\xff\n", "byte 21 is no UTF-8 text; expected a CSV file"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, message):
    with pytest.raises(TensorRankError, match=f"ablation.csv: .*{message}"):
        read(tmp_path, text)


def test_a_rule_is_above_zero(tmp_path):
    with pytest.raises(TensorRankError, match="rule is -1; expected a number above 0"):
        read(tmp_path, "depth,width,loss\n1,8,3\n", rule=-1)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TensorRankError, match=r"nowhere\.csv cannot be read"):
        guidelines.read_ablation(tmp_path / "nowhere.csv")


def test_a_singular_ablation_is_said_to_determine_no_line(tmp_path):
    # A loss of 1e100 among losses of 5 makes crossings whose errors differ by a hundred powers of ten.
    places = [(depth, i) for depth in (1, 2, 3, 4) for i in range(4)]
    rows = [f"{depth},{10 ** (3 + i)},{5 + 0.1 * depth - 0.35 * i - 0.05 * depth * i},0.01" for depth, i in places]
    rows[6], rows[7] = "2,100000,1e100,0.01", "2,4,4.0,0.01"
    data = read(tmp_path, "\n".join(["depth,parameters,loss,error", *rows]))
    with pytest.raises(TensorRankError, match="the errors of the crossings differ too much to determine a line"):
        data.fit()
