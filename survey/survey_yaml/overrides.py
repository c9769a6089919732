"""Values that stand in place of survey.yaml's for one run: what an analyst tries, or a schedule asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from survey.errors import UsageError


def overridden(content: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with some of them replaced; what is given stays as it is.

    Args: overrides: keys joined by dots (a number for a place in a list, from 0) → value.
    Raises: UsageError: a path leads through a single value, or beyond the end of a list.

    >>> overridden({"weighting": {"trim": 5}}, {"weighting.trim": 3, "disclosure.min_n": 20})
    {'weighting': {'trim': 3}, 'disclosure': {'min_n': 20}}
    """
    result = dict(content)
    for path, value in overrides.items():
        result = _replaced(result, path.split("."), value, path)
    return result


def _replaced(node: Any, keys: list[str], value: Any, path: str) -> Any:
    """A copy of a node with the value at the place that the keys lead to."""
    if not keys:
        return value
    first, *rest = keys
    if isinstance(node, list) and first.isdecimal() and int(first) < len(node):
        return [_replaced(own, rest, value, path) if k == int(first) else own for k, own in enumerate(node)]
    if node is None or isinstance(node, Mapping):
        node = node or {}
        key = next((own for own in node if str(own) == first), first)
        return {**node, key: _replaced(node.get(key), rest, value, path)}
    raise UsageError(
        "An override names a place that survey.yaml does not have",
        where="{path}",
        expected="keys joined by dots, such as disclosure.min_n",
        got="{key}, where there is a single value or a shorter list",
        hint="`anxin schema` explains every key",
        path=path,
        key=first,
    )


def parse_overrides(texts: Iterable[str]) -> dict[str, Any]:
    """Overrides as they are written on the command line: KEY=VALUE, the value in YAML.

    Raises: UsageError: no "=", no key, a key twice, or a value that is no YAML.

    >>> parse_overrides(["disclosure.min_n=20", "report.groups=[sex, age_group]"])
    {'disclosure.min_n': 20, 'report.groups': ['sex', 'age_group']}
    """
    result: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key or key in result:
            raise _unreadable(text)
        try:
            result[key] = YAML(typ="safe").load(value)
        except YAMLError:
            raise _unreadable(text) from None
    return result


def _unreadable(text: str) -> UsageError:
    return UsageError(
        "An override cannot be read",
        where="--set",
        expected="KEY=VALUE, each key once, the value in YAML",
        got="{text}",
        hint="for instance --set disclosure.min_n=20",
        text=text,
    )
