"""What ``tauto.decode`` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tauto import rendering
from tauto.decoding import Decoder, OptimizedDecoder, decoding_script, generate_as_given, is_generative, way_named
from tauto.errors import InvalidArgument, did_you_mean
from tauto.reports import DecodingReport, DecodingRow
from tauto.results.result import Result
from tauto.results.tables import decoding_rows

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["DecodingResult"]

_GONE = "model: this is a past run, and the store keeps no weights. Call tauto.decode again."


class DecodingResult(Result[DecodingReport]):
    """Every way in which a decoder was tried, and the one to use.

    Parameters
    ----------
    report : DecodingReport
        What was measured.
    model : torch.nn.Module, optional
        The decoder in the fastest way, or the user's model where that was kept; None for a run of the past.
    decoder : Decoder, optional
        What it was made of.
    """

    noun: ClassVar[str] = "decoding result"

    def __init__(self, report: DecodingReport, model: nn.Module | None = None, decoder: Decoder | None = None) -> None:
        super().__init__(report)
        self._model, self._decoder = model, decoder

    def _rows(self) -> list[dict[str, Any]]:
        return decoding_rows(self.report)

    @property
    def model(self) -> nn.Module:
        """The model to use: an :class:`~tauto.decoding.OptimizedDecoder`, or the user's own where it was kept.

        Raises
        ------
        InvalidArgument
            When this is a past run.
        """
        if self._model is None:
            raise InvalidArgument(_GONE)
        return self._model

    def generate(self, inputs: Any, max_new_tokens: int = 100) -> Tensor:
        """Return the prompt and the greedy tokens after it, made in the fastest way that was found.

        Parameters
        ----------
        inputs : Tensor of shape (batch, length), or a dict
            The prompt's token ids, or what ``model.generate`` takes by name.
        max_new_tokens : int
            At most so many.

        Raises
        ------
        InvalidArgument
            When this is a past run, or the inputs are no prompt.

        Examples
        --------
        >>> result.generate(prompt, max_new_tokens=50).shape  # doctest: +SKIP
        torch.Size([1, 58])
        """
        model = self.model
        if isinstance(model, OptimizedDecoder):
            return model.generate(inputs, max_new_tokens)
        assert self._decoder is not None
        return generate_as_given(self._decoder, inputs, max_new_tokens)

    def way(self, key: str) -> DecodingRow:
        """Return what was found of one way, such as ``"static-compiled"``.

        Raises
        ------
        InvalidArgument
            When it was not tried.
        """
        rows = {row.key: row for row in self.report.rows}
        if key not in rows:
            raise InvalidArgument(f"key: no way {key!r} was tried. {did_you_mean(str(key), rows)}".rstrip())
        return rows[key]

    def script(self) -> str:
        """Return the plain Python file that decodes in the same way; a comment when the original was kept."""
        if self.report.winner is None:
            return f"# {rendering.headline(self.report)}\n# There is nothing to do again: use the model as it is.\n"
        room = self.report.prompt_tokens + self.report.wanted[-1]
        own = self._decoder is not None and not is_generative(self._decoder.model)
        return decoding_script(way_named(self.report.winner), room, own=own)
