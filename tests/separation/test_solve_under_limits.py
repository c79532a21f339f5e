import pytest

from tensorrank import SelfAttention, bounds, separation_rank

# SOURCES.md, section 2.
TRUE_RANKS = [(SelfAttention(4, 2), 4538), (SelfAttention(3, 3), 3102), (SelfAttention(3, 2, heads=2), 215)]


@pytest.mark.parametrize(("model", "rank"), TRUE_RANKS, ids=str)
@pytest.mark.parametrize("method", ["auto", "catalecticant", "grid"])
@pytest.mark.parametrize("memory", ["2kB", "20kB", "100kB", "300kB", "1MB"])
def test_under_a_memory_limit_the_answer_is_never_too_large(model, rank, method, memory):
    found = separation_rank(model, memory=memory, method=method)
    assert bounds.monomial_bound(model.depth, model.width, model.heads, model.head_dim) <= found.lower
    assert found.value == found.lower <= rank <= found.upper
    if found.value < rank:
        assert found.standing == "lower bound"
        assert "memory limit" in found.reason
        assert found.failure_probability is None


def test_a_limit_on_memory_turns_the_answer_into_a_lower_bound():
    found = separation_rank(SelfAttention(4, 2), memory="700kB")
    assert found.standing == "lower bound"
    assert bounds.identity_bound(4, 2) <= found.value < 4538 == found.upper
    assert "cut to" in found.reason
    assert "memory limit" in found.reason


@pytest.mark.parametrize(("model", "rank"), TRUE_RANKS, ids=str)
@pytest.mark.parametrize("work", [10.0, 1e4, 1e5, 1e6])
def test_under_a_limit_on_work_the_answer_is_never_too_large(model, rank, work):
    found = separation_rank(model, work=work)
    assert found.value == found.lower <= rank <= found.upper
    if found.value < rank:
        assert found.standing == "lower bound"
        assert "work limit" in found.reason


def test_a_single_draw_below_the_bound_is_a_lower_bound():
    for method in ("catalecticant", "grid"):
        found = separation_rank(SelfAttention(2, 4, heads=4, kv_heads=2), draws=1, method=method)
        assert (found.value, found.standing, found.failure_probability) == (40, "lower bound", None)
        assert found.reason == "only one draw was made"
        assert len(found.primes) == 1


def test_a_single_draw_that_meets_the_bound_is_exact():
    for method in ("catalecticant", "grid"):
        found = separation_rank(SelfAttention(3, 2), draws=1, method=method)
        assert (found.value, found.standing, len(found.primes)) == (232, "exact", 1)


def test_more_draws_use_more_primes():
    found = separation_rank(SelfAttention(2, 4, heads=4, kv_heads=2), draws=4, method="catalecticant")
    assert (found.value, found.standing, len(set(found.primes))) == (40, "probable", 4)
    assert found.failure_probability < 1e-6


@pytest.mark.parametrize("method", ["catalecticant", "grid"])
@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("tokens", [2, 4])
def test_progress_never_runs_backwards(method, heads, tokens):
    calls = []
    separation_rank(
        SelfAttention(3, 2, heads=heads, tokens=tokens),
        method=method,
        progress=lambda done, total, what: calls.append((done, total)),
    )
    done = [call[0] for call in calls]
    assert calls
    assert all(0 <= part <= total for part, total in calls)
    assert done == sorted(done)


@pytest.mark.parametrize("method", ["catalecticant", "grid"])
def test_an_error_of_the_progress_callback_ends_the_computation(method):
    def interrupt(done, total, what):
        raise RuntimeError("stopped by the caller")

    with pytest.raises(RuntimeError, match="stopped by the caller"):
        separation_rank(SelfAttention(3, 2), method=method, progress=interrupt)


@pytest.mark.parametrize("depth", [21, 25, 40])
@pytest.mark.parametrize("method", ["auto", "catalecticant"])
def test_a_model_too_deep_for_any_prime_is_bounded_in_closed_form(depth, method):
    found = separation_rank(SelfAttention(depth, 1), method=method)
    assert (found.value, found.standing) == ((3**depth + 1) // 2, "exact")
    assert found.method == ("theorem" if method == "auto" else "bounds")
    assert found.primes == ()
    wider = separation_rank(SelfAttention(depth, 3), method=method)
    assert (wider.method, wider.standing) == ("bounds", "lower bound")
    assert wider.value == bounds.identity_bound(depth, 3) > bounds.monomial_bound(depth, 3)
    assert wider.upper == bounds.moment_bound(depth, 3)
    assert "bounds in closed form only" in wider.reason


def test_a_model_too_large_for_the_memory_is_bounded_in_closed_form():
    found = separation_rank(SelfAttention(9, 8, heads=8), memory="1MB")
    assert (found.method, found.standing) == ("bounds", "lower bound")
    assert found.value == bounds.monomial_bound(9, 8, heads=8)
    assert "memory limit" in found.reason


def test_what_was_cut_is_the_reason_even_where_a_bound_passes_the_blocks():
    found = separation_rank(SelfAttention(3, 3, heads=3), memory="1MB", method="catalecticant")
    assert found.standing == "lower bound"
    assert "memory limit 977 KiB" in found.reason
    assert "unlucky" not in found.reason


def test_progress_says_which_block_of_which_draw_is_under_way():
    told, model = [], SelfAttention(2, 4, heads=4, kv_heads=2)
    separation_rank(model, method="catalecticant", progress=lambda done, total, what: told.append(what))
    assert set(told) <= {f"draw {draw}, degree {degree}" for draw in (1, 2) for degree in range(5)}
    assert {what[:6] for what in told} == {"draw 1", "draw 2"}
    told.clear()
    separation_rank(model, method="grid", progress=lambda done, total, what: told.append(what))
    assert set(told) == {"draw 1", "draw 2"}
