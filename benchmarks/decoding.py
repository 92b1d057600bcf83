"""What a key-value cache brings a GPT-2 small (random weights), at 25 to 800 tokens.

    python -m benchmarks.decoding                    # 8 minutes; a quiet machine
    python -m benchmarks.decoding --budget 4min --lengths 25,50,100 --ways none,static-compiled --save decoding.json

The first figure of a row is tokens a second at that length, reading the prompt included; ~ marks what is estimated from
single steps along the text. Decoding without a cache at 800 tokens would take ten minutes and more by itself.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

import tauto
from tauto.cli.progress import TerminalProgress
from tauto.events import listening

LENGTHS = "25,50,100,200,400,800"
WAYS = "static-compiled,none,static,static-compiled-bfloat16,dynamic-bfloat16,static-compiled-int8_weights"
PROMPT = 16


def main() -> None:
    """Measure, print the report, and write it where asked."""
    import sys

    from transformers import GPT2Config, GPT2LMHeadModel

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="8min")
    parser.add_argument("--lengths", default=LENGTHS)
    parser.add_argument("--ways", default=WAYS)
    parser.add_argument("--save", type=Path, help="the report as .json, .html, .md or .txt")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config()).eval()
    prompt = torch.randint(0, model.config.vocab_size, (1, PROMPT))
    with TerminalProgress(sys.stderr) as terminal, listening(terminal.show):
        found = tauto.decode(
            model,
            prompt,
            lengths=arguments.lengths,
            ways=arguments.ways,
            budget=arguments.budget,
            name="GPT-2 small, random weights",
        )
    print(found)
    if arguments.save is not None:
        found.save(arguments.save)


if __name__ == "__main__":
    main()
