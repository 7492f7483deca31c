"""Finds operations by what a question says: BM25 over names, docstrings, signatures, paths and everyday words. Pure.

Okapi BM25 with ``k1`` 1.2 and ``b`` 0.75; the words of a name weigh more than those of a docstring.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from math import log

from marketo_async.effects import family_of
from marketo_async.errors import InvalidRequest
from marketo_async.mcp.adobe import ALIASES, NEAREST
from marketo_async.mcp.words import FAMILIES, OPERATIONS, VERBS
from marketo_async.schema import Callee, callees, signature

_K1, _B = 1.2, 0.75
_NAME, _EVERYDAY, _SUMMARY, _REST = 4.0, 2.0, 2.0, 0.5  # weights of the parts of an operation's text
_WORD = re.compile(r"[a-z0-9]+")
_STOP_WORDS = """
    a an and any are as at be by can did do does for from had has have how i if in into is it its me my no not of on
    or our out so than that the their them then there these they this to us was we were when will with you your
    please want need
"""
_STOP = frozenset(_STOP_WORDS.split())
_ENDINGS = (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("ing", ""), ("ed", ""), ("es", "e"), ("s", ""))


def resolve(name: str) -> str:
    """Return the dotted name of an operation given by it, by the name of its tool, or by Adobe's name for it.

    Raises `InvalidRequest` that names the nearest operations.
    """
    for known in (name, _by_tool().get(name, ""), ALIASES.get(name, "")):
        if known in callees():
            return known
    if nearest := NEAREST.get(name):
        raise InvalidRequest(
            f"Marketo's public REST API has no operation for {name}; the nearest are {', '.join(nearest)}"
        )
    nearest = tuple(find_operations(name.replace("_", " ").replace(".", " "), limit=3))
    near = f"; did you mean {', '.join(nearest)}?" if nearest else "; call marketo_find"
    raise InvalidRequest(f"{name[:80]!r} is not an operation{near}")


def tool_name(operation: str) -> str:
    """Return the name of the tool of an operation: its dotted name with underscores."""
    return operation.replace(".", "_")


def find_operations(query: str, *, limit: int = 8, among: Callable[[str], bool] = lambda _: True) -> list[str]:
    """Return the operations that answer a question best, at most ``limit`` of those that ``among`` accepts."""
    index = _index()
    scores: defaultdict[str, float] = defaultdict(float)
    for term in words(query):
        for name, weight in index.postings.get(term, {}).items():
            scores[name] += index.rarity[term] * weight
    ranked = sorted((name for name in scores if among(name)), key=lambda name: (-scores[name], name))
    return ranked[:limit]


def words(text: str) -> list[str]:
    """Return the words of a text that say something, reduced to their stems."""
    return [_stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP]


def _stem(word: str) -> str:
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):  # noqa: PLR2004
            return (word[: -len(ending)] + instead).rstrip("e")
    return word.rstrip("e") if len(word) > 3 else word  # noqa: PLR2004


class _Index:
    """The weights of every word in every operation."""

    def __init__(self, texts: Mapping[str, Mapping[str, float]]) -> None:
        lengths = {name: sum(weights.values()) for name, weights in texts.items()}
        average = sum(lengths.values()) / len(lengths)
        self.postings: dict[str, dict[str, float]] = {}
        for name, weights in texts.items():
            norm = _K1 * (1 - _B + _B * lengths[name] / average)
            for word, count in weights.items():
                self.postings.setdefault(word, {})[name] = count * (_K1 + 1) / (count + norm)
        total = len(texts)
        self.rarity = {
            word: log(1 + (total - len(found) + 0.5) / (len(found) + 0.5)) for word, found in self.postings.items()
        }


@cache
def _index() -> _Index:
    return _Index({name: _text(found) for name, found in callees().items()})


def _text(found: Callee) -> Mapping[str, float]:
    name, operation = found.operation.name, found.operation
    verb = name.rpartition(".")[2]
    weights: defaultdict[str, float] = defaultdict(float)

    def add(texts: Iterable[str], weight: float) -> None:
        for text in texts:
            for word in set(words(text.replace("_", " "))):
                weights[word] += weight

    add([family_of(name), verb], _NAME)
    add([FAMILIES.get(family_of(name), ""), VERBS.get(verb, ""), OPERATIONS.get(name, "")], _EVERYDAY)
    add([operation.summary], _SUMMARY)
    docstring = found.declared.__doc__ or ""
    add([docstring.partition("\n")[2], signature(name).partition("(")[2], operation.path], _REST)
    add([alias for alias, known in ALIASES.items() if known == name], _NAME)
    return weights


@cache
def _by_tool() -> Mapping[str, str]:
    return {tool_name(name): name for name in callees()}
