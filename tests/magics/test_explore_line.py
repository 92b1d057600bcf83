"""``%tauto_explore``: the panel of ``tauto.explore``."""

from __future__ import annotations

import torch

import tauto


def test_it_returns_the_panel_of_what_explore_returns(shell, monkeypatch):
    calls = []

    class Explored:
        def panel(self):
            return "the panel"

    def explore(**given):
        calls.append(given)
        return Explored()

    monkeypatch.setitem(vars(tauto), "explore", explore)
    model, x = torch.nn.Linear(1, 1), torch.zeros(1, 1)
    shell.ip.push({"net": model, "x": x})
    shell.run("shown = %tauto_explore net --inputs x")
    assert shell.ip.user_ns["shown"] == "the panel"
    assert calls[0]["model"] is model
    assert (calls[0]["name"], calls[0]["inputs"] is x) == ("net", True)


def test_mistakes_are_one_line(shell):
    assert "Did you mean" in (shell.ip.push({"net": torch.nn.Linear(1, 1)}) or shell.fails("%tauto_explore nett"))
    assert "none are known for this model" in shell.fails("%tauto_explore net")
