"""From a decoder and a way to what generates."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tauto.decoding.causal_lm import PlainForward, TransformersGenerator
from tauto.decoding.compiled_step import CompiledStep
from tauto.decoding.decoder import Decoder, is_generative
from tauto.decoding.generation import Generator
from tauto.decoding.greedy import OwnGenerator, StepModule, ids_of
from tauto.decoding.precision import in_precision
from tauto.decoding.way import Way
from tauto.errors import FallbackWarning, ModelError
from tauto.hardware import Hardware
from tauto.techniques.quiet import quiet
from tauto.workload import Workload
from tauto.workload.call import call_from_inputs
from tauto.workload.state import evaluating, preserved_rng

__all__ = ["OptimizedDecoder", "build_decoder", "generate_as_given", "generator_of"]


def generator_of(
    decoder: Decoder,
    way: Way,
    workload: Workload,
    *,
    room: int,
    folder: Path,
    hardware: Hardware,
    may_prepare: bool = True,
) -> tuple[Generator, nn.Module]:
    """Return a copy of the decoder's model in one way, prepared for prompts like the workload's, and that copy.

    Raises
    ------
    CandidateFailed
        When it cannot be made.
    """
    # a compiled way changes forward on its instance: the copy is its own
    model = in_precision(workload, way.precision, hardware, folder)
    step = None
    if way.compiled:
        body = PlainForward(model) if is_generative(model) else StepModule(decoder, model)
        step = CompiledStep(body.eval(), folder / f"inductor-{way.key}", hardware, may_prepare)
    made = _generator(decoder, model, way, room, step)
    with quiet(), preserved_rng():
        made.prepare(workload.example)
    return made, model


class OptimizedDecoder(nn.Module):
    """A decoder in the way that was measured fastest.

    Not for several threads at once: a static cache is written by one generation at a time.

    Parameters
    ----------
    model : torch.nn.Module
        The copy that computes.
    generator : Generator
        What generates with it.
    beyond : Generator or None
        What answers where a static cache has no room, or for another batch size than was compiled.
    way : Way
        How it decodes.
    batch, room : int
        What a static way was made for.
    files : object
        Kept as long as this is: the folder that compiled code was loaded from.
    """

    def __init__(
        self,
        model: nn.Module,
        generator: Generator,
        beyond: Generator | None,
        way: Way,
        batch: int,
        room: int,
        files: object,
    ) -> None:
        super().__init__()
        self.module = model
        self.way = way
        self.room = room
        self._batch, self._files = batch, files
        self._generator, self._beyond = generator, beyond
        self._said = False

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the model's own outputs, without gradients."""
        with torch.no_grad():
            return self.module(*args, **kwargs)

    def generate(self, inputs: Any, max_new_tokens: int = 100) -> Tensor:
        """Return the prompt and the greedy tokens after it, of shape (batch, length).

        Parameters
        ----------
        inputs : Tensor of shape (batch, length), or a dict
            The prompt's token ids, or what ``model.generate`` takes by name.
        max_new_tokens : int
            At most so many; a model of transformers ends where it says the end of its text.

        Examples
        --------
        >>> result.generate(prompt, max_new_tokens=50)  # doctest: +SKIP
        """
        call = call_from_inputs(inputs)
        batch, length = ids_of(call).shape
        fits = length + max_new_tokens <= self.room and (batch == self._batch or not self.way.compiled)
        if fits or self._beyond is None:
            return self._generator.generate(call, max_new_tokens)
        self._say(batch, length + max_new_tokens)
        return self._beyond.generate(call, max_new_tokens)

    def train(self, mode: bool = True) -> OptimizedDecoder:
        """Refuse training mode: this copy is for inference."""
        if mode:
            raise ModelError("This copy is for generating and cannot be trained. Train the original, and decode again.")
        super().train(False)
        return self

    def _say(self, batch: int, tokens: int) -> None:
        if not self._said:
            self._said = True
            warnings.warn(
                f"{batch} × {tokens} tokens (sequences × length) are not what this way was prepared for, which is "
                f"{self._batch} × {self.room} at most, so they are made uncompiled and without a static "
                "cache. To prepare for them, run tauto.decode with such a prompt and lengths.",
                FallbackWarning,
                stacklevel=3,
            )

    def __deepcopy__(self, memo: dict[int, Any]) -> OptimizedDecoder:
        return self  # compiled code cannot be copied, and nothing else in it changes


def build_decoder(
    decoder: Decoder, way: Way, workload: Workload, *, room: int, folder: Path, hardware: Hardware, files: object
) -> OptimizedDecoder:
    """Return the decoder in ``way``, from what a trial prepared in ``folder``."""
    made, model = generator_of(decoder, way, workload, room=room, folder=folder, hardware=hardware, may_prepare=False)
    beyond = None
    if way.cache == "static":
        beyond = _generator(decoder, _unchanged(model), Way("dynamic" if is_generative(model) else "none"))
    batch = ids_of(workload.example).shape[0]
    return OptimizedDecoder(model, made, beyond, way, batch, room, files).eval()


def generate_as_given(decoder: Decoder, inputs: Any, max_new_tokens: int) -> Tensor:
    """Return the prompt and the greedy tokens after it, by the user's own model as it is, in eval mode."""
    made = _generator(decoder, decoder.model, Way("none"), plain=True)
    with evaluating(decoder.model), preserved_rng():
        return made.generate(call_from_inputs(inputs), max_new_tokens)


def _generator(
    decoder: Decoder,
    model: nn.Module,
    way: Way,
    room: int = 0,
    step: CompiledStep | None = None,
    *,
    plain: bool = False,
) -> Generator:
    if is_generative(model):
        return TransformersGenerator(model, way, room, step, plain=plain)
    return OwnGenerator(decoder, model, way, room, step)


def _unchanged(model: nn.Module) -> nn.Module:
    """Return a twin of ``model`` on the same weights, whose ``forward`` is its class's."""
    twin = object.__new__(type(model))
    twin.__dict__.update({name: value for name, value in vars(model).items() if name != "forward"})
    return twin
