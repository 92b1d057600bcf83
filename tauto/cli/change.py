"""What the commands that change a model share: from the words of the line to the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tauto.cli.answer import answering, check_files, finish_tuned
from tauto.cli.loader import load
from tauto.cli.options import keywords

if TYPE_CHECKING:
    from tauto.results import TuningResult

__all__ = ["changing", "words"]


@contextmanager
def changing(
    model: str,
    *,
    inputs: str | None,
    data: str | None,
    evaluate: str | None,
    factory: str | None,
    loss: str | None,
    finetune: str | None,
    **files: Path | None,
) -> Iterator[Callable[..., None]]:
    """Yield ``call(verb, *before, **options)``, which runs a verb of tauto on what was named and shows its result.

    Parameters
    ----------
    model, inputs, data, evaluate, factory, loss, finetune : str or None
        As they were written.
    **files : Path or None
        Where report, script and recipe go; checked before any work is done.

    Raises
    ------
    SystemExit
        As :func:`~tauto.cli.answer.answering`.
    """

    def finish(result: TuningResult) -> None:
        finish_tuned(result, **files)

    with answering(finish):
        check_files(table=True, **files)
        value, name, source = load(model, "model")
        named = {"inputs": inputs, "data": data, "evaluate": evaluate, "factory": factory}
        given = keywords(source, **named, loss=loss, finetune=finetune)

        def call(verb: str, *before: Any, **options: Any) -> None:
            import tauto

            finish(getattr(tauto, verb)(*before, value, **given, **options, name=name))

        yield call


def words(text: str) -> tuple[str, ...]:
    """Return the names of a list such as ``a,b``."""
    return tuple(word.strip() for word in text.split(",") if word.strip())
