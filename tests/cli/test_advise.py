import json
from pathlib import Path

import pytest
from command_line import assert_refused, run

from tensorrank import guidelines

CONFIGS = Path(__file__).parents[1] / "guidelines" / "configs"
TABLE = ("--counted-by", "table")


def test_help_has_an_example():
    done = run("advise", "--help")
    assert done.returncode == 0
    assert "Example: tensorrank advise --depth 96 --width 12288" in " ".join(done.stdout.split())


def test_a_size():
    done = run("advise", "--parameters", "175e9", "--json")
    values = json.loads(done.stdout)
    assert values["parameters"] == values["parameters_without_embeddings"] == 175e9
    assert round(values["optimal_depth"], 1) == 80.5
    assert (values["optimal_depth_rounded"], values["optimal_width_rounded"]) == (81, 13459)
    # The width that keeps the size at 81 layers: the root of 175e9 / 12 / 81.
    assert values["optimal_shape"] == [81, 13418]
    low, high = values["optimal_depth_range"]
    assert low < 80.5 < high
    assert values["depth"] is None
    assert values["verdict"] is None
    assert values["extrapolated"] is True
    assert values["fit"]["slope"] == 0.0555


def test_sizes_have_units():
    values = json.loads(run("advise", "--parameters", "175B", "--json").stdout)
    assert values["parameters"] == 175e9


def test_a_shape():
    done = run("advise", "--depth", 96, "--width", 12288, "--json")
    values = json.loads(done.stdout)
    assert values["parameters"] == 12 * 96 * 12288**2
    assert (values["depth"], values["width"], values["verdict"]) == (96, 12288, "wider")
    # SOURCES.md section 3.
    assert (round(values["optimal_depth"], 1), round(values["optimal_width"])) == (80.5, 13422)
    assert values["regime"] == "saturated"
    assert values["log3_moment_bound"] > values["log3_moment_bound_at_optimum"] > 1e9


def test_a_shape_in_words():
    done = run("advise", "--depth", 96, "--width", 12288)
    assert done.stderr == ""
    assert "verdict     wider and shallower: -15.5 layers, +1,134 of width" in done.stdout
    # What the theory leaves open stands beside the verdict, and a caveat before the share.
    assert guidelines.NOT_SAID in done.stdout
    # To two standard errors: where the edges of the band reach the width.
    assert (
        "beyond core What is beyond the core is not lost: by the fit it would be of more use in another shape.\n"
        "            The core is the largest of the best shapes inside yours: 78.9 layers of width 12,288.\n"
        "            18% (14% to 22%) of the parameters without embeddings are beyond it.\n"
        "            This rests on the fit where it is extrapolated.\n"
    ) in done.stdout
    assert "without softmax or mask, log3 of the separation rank is at most 5.975e+09" in done.stdout
    assert "The fit is of networks of depths 6 to 48; depth 80.5 lies beyond." in done.stdout


def test_a_configuration():
    done = run("advise", "--config", CONFIGS / "gpt2.json", *TABLE, "--json")
    values = json.loads(done.stdout)
    assert values["parameters"] == 124_439_808
    assert values["parameters_without_embeddings"] == 85_056_000
    assert (values["depth"], values["width"], values["verdict"]) == (12, 768, "deeper")
    assert values["bottlenecks"] == {"heads": False, "vocabulary": False}
    assert values["head_limits"] == ["patterns"]
    assert values["config"]["family"] == "gpt2"
    (stack,) = values["stacks"]
    assert (stack["role"], stack["depth"], stack["parameters"]) == ("decoder", 12, 85_056_000)


def test_a_configuration_in_words():
    done = run("advise", "--config", CONFIGS / "opt_350m.json", *TABLE)
    assert "parameters  331,196,416: 28,887,040 of embeddings, 302,309,376 others" in done.stdout
    assert "a bottleneck: embeddings of rank 512 leave" in done.stdout
    assert "16 of dimension 64; each can give any attention pattern of at most 65 independent tokens" in done.stdout


def test_both_stacks_are_judged():
    done = run("advise", "--config", CONFIGS / "flan_t5_base.json", *TABLE, "--json")
    values = json.loads(done.stdout)
    assert [(stack["role"], stack["depth"], stack["width"]) for stack in values["stacks"]] == [
        ("encoder", 12, 768),
        ("decoder", 12, 768),
    ]
    assert values["parameters"] == 247_577_856
    counted = [stack["parameters"] for stack in values["config"]["stacks"]]
    assert [stack["parameters"] for stack in values["stacks"]] == counted
    assert values["parameters_beyond_core"] == values["stacks"][1]["parameters_beyond_core"]
    words = run("advise", "--config", CONFIGS / "flan_t5_base.json", *TABLE).stdout
    assert "encoder and decoder are counted, and judged one by one" in words
    assert "\nencoder:\n" in words
    assert "\ndecoder:\n" in words


def test_what_is_said_of_encoders_is_said_of_each():
    told = run("advise", "--config", CONFIGS / "t5_small.json", *TABLE).stdout
    encoder, decoder = told.partition("\ndecoder:\n")[::2]
    limit = "heads       8 of dimension 64; each can give any attention pattern of at most 65 independent tokens"
    assert limit + "\n" in encoder
    assert limit + " (the context is 512)\n" in decoder
    unknown = "The networks of the fit predict the next token. Whether it holds of encoders as well is not known."
    assert (unknown in encoder, unknown in decoder) == (True, False)
    assert unknown in run("advise", "--config", CONFIGS / "bert_base.json", *TABLE).stdout
    assert unknown not in run("advise", "--config", CONFIGS / "bert_base.json", *TABLE, "--fit", "5,0.05").stdout
    assert "what a network with softmax learns in training, be it causal or not" in told


def test_layers_that_are_made_otherwise_are_compared_at_equal_area():
    done = run("advise", "--config", CONFIGS / "llama_3_8b.json", *TABLE).stdout
    # 12 * 32 * 4096^2, of which `optimum` gives the same shape; 6,979,588,096 parameters would have 54.9 layers.
    assert "compared at equal L d^2: the networks of the fit have 6.442e+09 parameters there, as their layers" in done
    assert "32 layers would suit 3.46e+08 parameters of such layers" in done
    assert round(guidelines.optimum(12 * 32 * 4096**2).depth, 1) == 54.3
    assert "compared at" not in run("advise", "--depth", 32, "--width", 4096).stdout
    # 12 d^2 with some biases and norms.
    assert "compared at" not in run("advise", "--config", CONFIGS / "gpt2.json", *TABLE).stdout
    mixture = run("advise", "--config", CONFIGS / "mixtral_8x7b.json", *TABLE).stdout
    assert "of the active parameters without embeddings are beyond it." in mixture


def test_experts_are_counted_and_the_active_ones_judged():
    done = run("advise", "--config", CONFIGS / "mixtral_8x7b.json", *TABLE)
    assert "family      mixtral, counted as MixtralForCausalLM by the table" in done.stdout
    assert "active      12,879,925,248 that one token uses, with 2 of 8 experts in a layer" in done.stdout
    assert "the fit judges depth and width; sizes beside its verdict are those of active parameters" in done.stdout
    assert "32 layers of width 4,096: 12,617,781,248 active parameters" in done.stdout
    values = json.loads(run("advise", "--config", CONFIGS / "mixtral_8x7b.json", *TABLE, "--json").stdout)
    assert (values["parameters"], values["active_parameters"]) == (46_702_792_704, 12_879_925_248)
    assert values["judged_parameters"] == values["stacks"][0]["active_parameters"] == 12_617_781_248
    assert values["not_said"] == guidelines.NOT_SAID
    assert values["config"]["counted_by"] == "table"


def test_a_folder_is_a_configuration(tmp_path):
    (tmp_path / "config.json").write_text((CONFIGS / "gpt2.json").read_text())
    assert json.loads(run("advise", "--config", tmp_path, *TABLE, "--json").stdout)["parameters"] == 124_439_808


def test_shared_keys_in_words():
    done = run("advise", "--depth", 32, "--width", 4096, "--heads", 32, "--kv-heads", 8)
    assert (
        "shared keys 8 of 32 heads have keys and values of their own: a layer reads 131,072 of the 8,390,656 numbers of the "
        "moments, 524,288 if none were shared"
    ) in done.stdout
    assert "In one layer that costs no rank, which is proved. Whether it does in all 32 is not known" in done.stdout
    one = run("advise", "--depth", 32, "--width", 64, "--heads", 32, "--kv-heads", 1).stdout
    assert "In one layer that costs rank: it is 5 in place of 65, which is proved." in one
    small = run("advise", "--depth", 2, "--width", 4, "--heads", 4, "--kv-heads", 1)
    assert "the rank is 8 in place of 85 (exact)" in small.stdout
    values = json.loads(run("advise", "--depth", 2, "--width", 4, "--heads", 4, "--kv-heads", 1, "--json").stdout)
    assert (values["shared_keys"]["rank"], values["shared_keys"]["rank_unshared"]) == (8, 85)
    assert json.loads(run("advise", "--depth", 2, "--width", 4, "--json").stdout)["shared_keys"] is None


def test_heads_of_another_width_than_the_network_in_words():
    wide = run("advise", "--config", CONFIGS / "t5_11b.json", *TABLE).stdout
    assert "128 of dimension 128; together 16,384, and what is more than the width 1,024 adds nothing to the bound" in wide
    narrow = run("advise", "--depth", 6, "--width", 64, "--heads", 2, "--head-dim", 16).stdout
    assert "2 of dimension 16; a bottleneck: together 32, less than the width 64" in narrow
    latent = run("advise", "--config", CONFIGS / "deepseek_v3.json", *TABLE).stdout
    assert "heads       128 of dimension 192, their values of 128; together 16,384" in latent
    assert "latent      keys and values of all heads are made of the same 512 numbers of a token" in latent


def test_an_embedding_of_low_rank_in_words():
    done = run("advise", "--config", CONFIGS / "albert_base.json", *TABLE)
    assert "note        12 layers share the weights of 1, which are counted once" in done.stdout
    assert "vocabulary  a bottleneck: embeddings of rank 128 leave log3 of that rank at most 2.862e+04" in done.stdout
    assert "inputs      embeddings of the rank" in run("advise", "--config", CONFIGS / "vit_base.json", *TABLE).stdout


def test_what_transformers_builds_is_judged(tmp_path):
    pytest.importorskip("torch")
    version = pytest.importorskip("transformers").__version__
    for name, words in (
        ("mamba", f"counted as MambaForCausalLM by transformers {version}"),
        ("clip", "encoder 2:"),
        ("swin", "shape       the layers are not alike, so that no depth and width stand for them"),
    ):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({"model_type": name}))
        done = run("advise", "--config", path, "--out", tmp_path)
        assert (done.returncode, words in done.stdout) == (0, True)
        assert json.loads(run("advise", "--config", path, "--json").stdout)["parameters"] > 0


def test_layers_without_attention_get_no_verdict(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "mamba", "hidden_size": 64, "num_hidden_layers": 2}))
    done = run("advise", "--config", path)
    assert "verdict     none: no layer attends, while the fit is of attention, and so are the ranks" in done.stdout
    assert "--depth 2 --width 64 says what they say of attention of that shape" in done.stdout
    assert not any(word in done.stdout for word in ("knee", "best  ", "vocabulary"))
    values = json.loads(run("advise", "--config", path, "--json").stdout)
    assert (values["depth"], values["width"], values["verdict"], "knee" in values) == (2, 64, None, False)


def test_the_published_projections():
    done = run("advise", "--projections", "--json")
    rows = json.loads(done.stdout)["rows"]
    assert [row["published"][0] for row in rows] == [23, 32, 38, 42, 47, 54, 60, 80, 95]
    assert all(abs(row["optimal_depth"] - row["published"][0]) < 1.5 for row in rows)
    table = run("advise", "--projections").stdout
    assert max(map(len, table.splitlines())) < 90
    assert "depths 54.3, 59.6, 80.5, 94.7 lie beyond" in table
    assert "published" not in run("advise", "--projections", "--fit", "5,0.05").stdout
    assert "80.5 x 13422" in table
    assert "80 x 13500" in table


def test_another_fit():
    done = run("advise", "--parameters", "84e6", "--fit", "6.907755,0,0.1,0.01,-0.5", "--json")
    values = json.loads(done.stdout)
    # A width of 1000 at every depth: 84e6 / 12e6 layers.
    assert values["optimal_depth"] == pytest.approx(7, rel=1e-5)
    # Slopes down to -0.02 are within two standard errors.
    assert values["optimal_depth_range"][1] is None
    assert values["fit"]["correlation"] == pytest.approx(-0.5)
    assert values["extrapolated"] is False


def test_a_fit_that_decides_nothing_says_so():
    done = run("advise", "--depth", 24, "--width", 1024, "--fit", "5,0.05,0.5,0.05")
    assert "near the optimum, not decided: the band of the fit has no end" in done.stdout
    assert ", perhaps nothing, of the parameters without embeddings is beyond it." in done.stdout


def test_a_fit_in_a_file(tmp_path):
    fit = guidelines.TransitionFit.of_errors(5.0, 0.05, 0.1, 0.001, depths=(1, 6), rule=4.0)
    path = tmp_path / "fit.json"
    path.write_text(json.dumps(fit.to_dict()))
    values = json.loads(run("advise", "--parameters", "1e8", "--fit", path, "--json").stdout)
    assert values["optimal_depth"] == pytest.approx(fit.depth(1e8))
    assert values["extrapolated"] is True
    assert values["fit"]["rule"] == 4


def test_pictures(tmp_path):
    done = run("advise", "--depth", 24, "--width", 2048, "--out", tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder" / "depth_width.png").stat().st_size > 10_000
    assert "The picture: " in done.stdout
    shown = json.loads(run("advise", "--projections", "--out", tmp_path, "--json").stdout)
    assert shown["figures"] == [str(tmp_path / "depth_width.png"), str(tmp_path / "depth_width.svg")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "given: nothing; give one of --parameters, --depth and --width, --config, --projections"),
        (("--parameters", "1e9", "--depth", 3), "given: --parameters, --depth and --width; give one of"),
        ((CONFIGS,), "configs' is given without an option; try --config before it"),
        (("3B",), "'3B' is given without an option; try --parameters, --depth and --width, or --config before it"),
        (("--depth", 3, 8), "'8' is given without an option; try --parameters, --depth and --width, or --config before it"),
        (("--depth", 3), "--depth is given without --width; expected both"),
        (("--width", 3), "--width is given without --depth; expected both"),
        (("--depth", 0, "--width", 8), "depth is 0; expected a whole number of at least 1"),
        (("--parameters", "0"), "--parameters is '0'; expected sizes from 1 to 1e+30"),
        (("--parameters", "nan"), "--parameters is 'nan'; expected sizes such as 175e9 or 3B"),
        (("--parameters", "3,000,000"), "--parameters is '3,000,000'; expected sizes from 1"),
        (("--parameters", "3e9,4e9"), "--parameters is '3e9,4e9'; expected one size"),
        (("--parameters", "many"), "--parameters is 'many'; expected sizes such as 175e9 or 3B"),
        (("--parameters", "1e9", "--fit", "5"), "--fit has 1 number; expected a,b"),
        (("--parameters", "1e9", "--fit", "5,b"), "--fit is '5,b'; expected numbers such as"),
        (("--parameters", "1e9", "--fit", "5,0.1,-1,0"), "expected errors of at least 0"),
        (("--parameters", "1e9", "--fit=5,-0.1"), "the slope is -0.1; expected at least 0"),
        (("--parameters", "1e9", "--sigmas", "-1"), "sigmas is -1; expected a number of standard errors from 0 to 10"),
        (("--parameters", "1e9", "--sigmas", "1e5"), "sigmas is 100000; expected a number of standard errors"),
        (("--depth", 0), "--depth is given without --width; expected both"),
        (("--depth", 0, "--width", 0), "depth is 0; expected a whole number of at least 1"),
        (("--parameters", "1e12", "--fit=-400,0"), "the best depth is e^"),
        (("--parameters", "5e-324"), "--parameters is '5e-324'; expected sizes from 1"),
        (("--parameters", "1e300"), "expected sizes from 1 to 1e+30"),
        (("--parameters", "1e9", "--fit", "nowhere.json"), "nowhere.json cannot be read"),
        (("--config", "nowhere.json"), "nowhere.json cannot be read"),
        (("--config", "nowhere.json", "--counted-by", "hand"), "counted_by is 'hand'; expected one of table, transformers"),
        (("--parameters", "1e9", "--counted-by", "table"), "--counted-by is 'table' without --config; expected both"),
        (
            ("--config", CONFIGS / "gpt2.json", *TABLE, "--heads", 4),
            "--heads is given beside --config, which says it; leave it out",
        ),
        (("--heads", 4), "--heads is given without --depth and --width; expected all of them"),
        (("--parameters", "1e9", "--kv-heads", 4), "--kv-heads is given without --depth and --width; expected all of them"),
        (("--depth", 3, "--width", 8, "--kv-heads", 4), "--kv-heads is given without --heads; expected both"),
        (("--depth", 3, "--width", 8, "--heads", 3), "3 heads do not divide the width 8; expected a divisor, or head_dim"),
        (("--depth", 3, "--width", 8, "--heads", 4, "--kv-heads", 3), "kv_heads is 3; expected a divisor of the 4 heads"),
    ],
)
def test_bad_input(arguments, message):
    assert_refused(run("advise", *arguments), message)


def test_less_than_a_layer_is_one():
    values = json.loads(run("advise", "--parameters", "1000", "--json").stdout)
    # The root of 1000 / 12.
    assert (values["optimal_depth"], values["optimal_depth_rounded"], values["optimal_width_rounded"]) == (1, 1, 9)
    done = run("advise", "--depth", 2, "--width", 8, "--heads", 4, "--kv-heads", 1)
    assert "best        depth 1.0, width 11\n            in whole numbers 1 x 11\n" in done.stdout
    assert "wider and shallower: -1.0 layers, +3 of width" in done.stdout
    assert "so small a network has less than one layer, which is none, so that one layer is taken." in done.stdout


@pytest.mark.parametrize("content", ["", "[1]", "{}", '{"intercept": 5}', "5.0,0.05"])
def test_a_file_that_is_no_fit(tmp_path, content):
    path = tmp_path / "fit.json"
    path.write_text(content)
    assert_refused(run("advise", "--parameters", "1e9", "--fit", path), "what `tensorrank ablation --save` writes")


def test_very_deep_shapes_are_judged(tmp_path):
    done = run("advise", "--depth", 20000, "--width", 8, "--out", tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "depth_width.png").exists()
    assert "wider and shallower" in done.stdout


def test_a_configuration_without_keys_names_them(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"model_type": "llama", "hidden_size": 64}')
    assert_refused(run("advise", "--config", path), "num_hidden_layers, num_attention_heads, intermediate_size, vocab_size")
