"""The style sheet, and of it what one page needs: the page travels whole, by mail, with its style inside."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

SHEET = Path(__file__).parent / "templates" / "style.css"
NAMED = re.compile(r'\b(class|id)="([^"]*)"')
ALTERNATIVES = re.compile(r":(?:is|not|has|where)\((?:[^()]|\([^()]*\))*\)")


class Rule(NamedTuple):
    """What stands before the braces and in them; a group such as @media has rules in them."""

    head: str
    body: str
    inner: tuple[Rule, ...]


@lru_cache(maxsize=1)
def sheet() -> tuple[Rule, ...]:
    """All rules, without the blanks that only their writers need."""
    text = SHEET.read_text(encoding="utf-8")
    return tuple(rules(re.sub(r":\s+", ":", re.sub(r"\s*([{};,])\s*", r"\1", text)).strip()))


def rules(text: str) -> Iterator[Rule]:
    """The rules of a style sheet that has no braces in its texts.

    >>> [rule.head for rule in rules("a{b:c}@media x{d{e:f}g{}}")]
    ['a', '@media x']
    """
    start = 0
    while (brace := text.find("{", start)) >= 0:
        end, depth = brace + 1, 1
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        head, body = text[start:brace], text[brace + 1 : end - 1]
        yield Rule(head, body, tuple(rules(body)) if head.startswith("@media") else ())
        start = end


def needed(html: str) -> str:
    """The style sheet without the rules of classes and ids that a page has not.

    A page has no script, so that none can come later. Rules for elements, states and printing stay.
    """
    names = {("." if kind == "class" else "#") + name for kind, value in NAMED.findall(html) for name in value.split()}
    return "".join(_kept(sheet(), names))


def _kept(every: Iterable[Rule], names: set[str]) -> Iterator[str]:
    for rule in every:
        heads = [head for head in selectors(rule.head) if head.startswith("@") or names.issuperset(_asked(head))]
        body = "".join(_kept(rule.inner, names)) if rule.inner else rule.body
        if heads and (body or not rule.inner):
            yield f"{','.join(heads)}{{{body}}}"


@lru_cache(maxsize=4096)
def selectors(head: str) -> tuple[str, ...]:
    """The selectors of a rule; commas in parentheses, however deep, part none.

    >>> selectors("a:is(b,:nth-child(2)):is(:nth-child(3),c),d")
    ('a:is(b,:nth-child(2)):is(:nth-child(3),c)', 'd')
    """
    parts, depth = [""], 0
    for sign in head:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return tuple(parts)


@lru_cache(maxsize=4096)
def _asked(selector: str) -> frozenset[str]:
    """All classes and ids that a selector asks for; one of several alternatives is not asked for."""
    return frozenset(re.findall(r"[.#][A-Za-z][\w-]*", ALTERNATIVES.sub("", selector)))


def policy(css: str) -> str:
    """Content-Security-Policy that lets in this style sheet and nothing else."""
    digest = base64.b64encode(hashlib.sha256(css.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
