"""What is printed for people: columns, and nothing that a terminal obeys."""

from __future__ import annotations

from haori.cli.app_show import describe
from haori.cli.output import format_table

HOSTILE = "first\n\x1b]0;owned\x07 second\u202e\x00"


def test_a_row_is_one_line_whatever_its_cells_hold():
    assert format_table(["NAME", "WHY"], [["shop", HOSTILE]]) == [
        "NAME  WHY",
        "shop  first \ufffd]0;owned\ufffd second\ufffd\ufffd",
    ]


def test_wide_letters_take_two_columns():
    assert format_table(["A", "B"], [["羽織", "x"], ["a", "y"]]) == ["A     B", "羽織  x", "a     y"]


def test_what_an_application_says_of_itself_commands_no_terminal():
    application = {
        "metadata": {"name": "shop", "namespace": "argocd"},
        "spec": {"source": {"repoURL": HOSTILE}, "destination": {}},
        "status": {"conditions": [{"type": "ComparisonError", "message": HOSTILE}]},
    }
    lines = "\n".join(describe(application, with_operation=False))
    assert "first\n" in lines
    assert not set(lines) & set("\x1b\x07\u202e\x00")
