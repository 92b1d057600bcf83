"""The weights table as text: a parameter is one line, whatever its name."""

from __future__ import annotations

from dataclasses import replace

from growth_by_hand import weights

from tauto import rendering


def test_no_name_and_no_heading_is_broken() -> None:
    report = weights()
    names = ("embed.weight", "encoder.layer.11.attention.self_attention_with_relative_positions.in_proj_weight")
    rows = tuple(replace(report.rows[0], name=name, elements=12_345_678) for name in names)
    table = rendering.text(replace(report, rows=rows)).split("\nWeights\n")[1].split("\n\n")[0].splitlines()
    head, rule, *body = table
    assert head.split() == [
        "Parameter",
        "Elements",
        "Low",
        "High",
        "Shape",
        "Outliers",
        "Zeros",
        "Half",
        "int8",
        "Channel",
    ]
    assert set(rule) == {"─", " "}
    assert len(body) == len(names)
    assert body[0].startswith("embed.weight ")
    assert "…" in body[1]
    assert body[1].split()[0].endswith("in_proj_weight")
