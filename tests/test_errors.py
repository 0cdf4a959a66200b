"""Errors carry codes and say what, why and what to do."""

from haori.errors import HaoriError, PeerError, TransientError, UserError, format_error
from haori.words import Language


def test_an_error_prints_what_why_and_what_to_do():
    error = UserError("already-running", path="/d").within("cli.up.starting", path="/d")
    assert format_error(error, Language.ENGLISH).split("\n") == [
        "error[already-running]: Starting in /d. Ctrl-C stops it; the data stays.",
        "  An instance already runs in /d.",
        "  hint: `haori status` shows it, `haori down` stops it, --data-dir chooses another folder",
    ]


def test_the_innermost_context_is_kept():
    error = UserError("already-running", path="/d").within("inner").within("outer")
    assert error.context is not None
    assert error.context.code == "inner"


def test_the_type_says_whether_trying_again_helps():
    assert TransientError("x").transient
    assert not PeerError("x").transient
    assert issubclass(TransientError, PeerError)
    assert issubclass(PeerError, HaoriError)
