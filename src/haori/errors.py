"""What can go wrong, as one tree.

    HaoriError                  a code, its parameters, a hint; text comes from `words`
    ├── UserError               the user's move: bad input, wrong flag, a refused value; trying again changes nothing
    ├── PeerError               the other system said no: cluster, Git server, helm; trying again changes nothing
    │   └── TransientError      the other system could not answer now; trying again may help
    └── InternalError           our fault; please report it

Each room hangs its own branch below one of these, so the type answers two questions: whose move is it, and would trying
again help. A message is never built here: `code` names an entry of `words`, `parameters` fill it, and `<code>.hint`,
where the words hold one, says what to do next. Secrets are masked before they become a parameter.
"""

from __future__ import annotations

from typing import Any, ClassVar

from haori.words import Language, Sentence, has_code, text


class HaoriError(Exception):
    """A failure with a stable kebab-case `code` and the `parameters` of its sentence.

    `context` (added once, at the border, with `within`) says what was being done: "could not sync application shop".
    """

    transient: ClassVar[bool] = False

    def __init__(self, code: str, /, **parameters: Any) -> None:
        super().__init__(code)
        self.code = code
        self.parameters = parameters
        self.context: Sentence | None = None

    @property
    def sentence(self) -> Sentence:
        """What failed and why."""
        return Sentence(code=self.code, parameters=self.parameters)

    @property
    def hint(self) -> Sentence | None:
        """What to do next, where the words know it (`<code>.hint`)."""
        code = f"{self.code}.hint"
        return Sentence(code=code, parameters=self.parameters) if has_code(code) else None

    def within(self, code: str, /, **parameters: Any) -> HaoriError:
        """This error, saying what was being done when it happened; the innermost context is kept."""
        if self.context is None:
            self.context = Sentence(code=code, parameters=parameters)
        return self

    def __str__(self) -> str:
        return text(self.code, self.parameters, Language.ENGLISH)


class UserError(HaoriError):
    """The user's move."""


class PeerError(HaoriError):
    """The other system refused; asking the same again gets the same answer."""


class TransientError(PeerError):
    """The other system could not answer now; trying again may help."""

    transient = True


class InternalError(HaoriError):
    """Our fault."""


def format_error(error: HaoriError, language: Language | None = None) -> str:
    """`error[code]: what was being done`, the reason, the hint: as the command line prints it."""
    reason = error.sentence.text(language)
    if error.context is None:
        lines = [f"error[{error.code}]: {reason}"]
    else:
        lines = [f"error[{error.code}]: {error.context.text(language)}", f"  {reason}"]
    if error.hint is not None:
        lines.append(f"  hint: {error.hint.text(language)}")
    return "\n".join(lines)
