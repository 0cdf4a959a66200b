"""What can be wrong with a text that should be an object, a quantity or a selector.

UserError
└── ObjectsError
    ├── YamlError       not YAML, or beyond a bound
    ├── QuantityError   not a quantity or a duration
    └── SelectorError   not a label or field selector
"""

from __future__ import annotations

from haori.errors import UserError


class ObjectsError(UserError):
    """A text that could not be read."""


class YamlError(ObjectsError):
    """`yaml-invalid` (source, line, column, problem) or `yaml-too-large` (source, what, limit)."""


class QuantityError(ObjectsError):
    """`quantity-invalid` or `duration-invalid` (value)."""


class SelectorError(ObjectsError):
    """`selector-invalid` (selector, problem)."""
