import logging
import sys
import warnings

import pytest

from tauto.conversion import converting, quiet
from tauto.errors import CandidateFailed


def test_nothing_reaches_the_screen_and_all_is_put_back(capfd):
    before = sys.stdout, sys.stderr, logging.root.manager.disable
    with quiet():
        print("noise")
        print("noise", file=sys.stderr)
        warnings.warn("noise", stacklevel=1)
        logging.getLogger("noise").error("noise")
    assert capfd.readouterr() == ("", "")
    assert (sys.stdout, sys.stderr, logging.root.manager.disable) == before


def test_a_failure_is_one_line_of_the_root_cause():
    failure = RuntimeError("a page of advice\n" * 50)
    failure.__cause__ = KeyError("aten.odd\nmore")
    with (
        pytest.raises(CandidateFailed, match=r"^the export failed: KeyError: ") as caught,
        converting("the export failed"),
    ):
        raise failure
    assert "\n" not in str(caught.value)


def test_a_reason_in_words_passes_as_it_is():
    with pytest.raises(CandidateFailed, match=r"^in words$"), converting("the export failed"):
        raise CandidateFailed("in words")
