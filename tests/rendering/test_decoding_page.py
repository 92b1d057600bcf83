"""The page of a decoding: figures with their spread, estimates marked, and why not the others."""

from __future__ import annotations

from dataclasses import replace

from decoding_by_hand import decoding, kept_decoding

from tauto import rendering


def test_the_first_line_says_which_way_and_where_the_target_is_met() -> None:
    assert rendering.headline(decoding()) == (
        "Static cache, compiled is 1.31× (1.24–1.38) as fast as the original at 200 tokens; a cache is ~10.4× "
        "(10.1–10.9) as fast as none at 200 tokens (10× is met)"
    )
    assert rendering.headline(kept_decoding()) == (
        "Kept the original: no way that makes the original's tokens is faster; 10× over no cache is not shown up "
        "to 25 tokens (at most 0.93× (0.84–1.04))"
    )


def test_without_a_target_the_first_line_says_what_was_seen_and_no_more() -> None:
    asked_nothing = replace(decoding(), target=None, reached_at=None)
    assert rendering.headline(asked_nothing).endswith("a cache is ~10.4× (10.1–10.9) as fast as none at 200 tokens")
    assert "✓" not in rendering.text(asked_nothing).split("Speedup over no cache")[1].split("What each way costs")[0]
    noisy = replace(kept_decoding(), target=None)
    assert rendering.headline(noisy).endswith("whether a cache helps at 25 tokens was not settled (0.84 to 1.0×)")


def test_rates_have_their_spread_and_an_estimate_is_marked() -> None:
    text = rendering.text(decoding())
    assert "~3.10 ±2.5 %" in text
    assert "A ~ is an estimate" in text
    assert "32.3 ±2.5 %" in text
    assert "✓ static cache" in text
    assert "42 % equal, 95 % on one text ✗" in rendering.markdown(decoding())
    assert "A ~ is an estimate" not in rendering.text(kept_decoding())


def test_why_not_the_others_is_said() -> None:
    text = " ".join(rendering.text(decoding()).split())
    assert "dynamic cache, int8 weights: failed Raised RuntimeError: no." in text
    assert "dynamic cache, bfloat16: not tried This CPU has no bfloat16 arithmetic." in text


def test_a_text_that_repeats_itself_is_told_to_prove_little() -> None:
    text = " ".join(rendering.text(kept_decoding()).split())
    assert "1 different token, as by random weights: equal tokens prove little" in text
    assert "prove little" not in rendering.text(decoding())
    assert "Interrupted" in text


def test_it_is_told_in_sentences() -> None:
    said = rendering.explain(decoding()).splitlines()
    assert "no cache: first token after 31.2 ms, 3.10 tokens a second at 200 tokens (estimated)." in said
    assert said[-1].startswith("Preparing static cache, compiled took 41 s")
