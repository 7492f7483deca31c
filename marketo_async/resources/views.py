"""`View`: how a declared method looks at run time: name, docstring, signature, and the return type of a call.

``help`` of a family shows ``-> Lead | None`` and not ``-> Plan[L | None]``. See ``descriptors`` for the methods.
"""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar

from msgspec import Struct

from marketo_async.resources.base import Resource
from marketo_async.resources.blocking import Blocking

# How the return annotation of a planner reads to a caller, and how that reads to a caller without a loop.
_RETURNED = {
    r"Plan\[Page\[(.*)\]\]|(?:Listing|Ordered|Merged)\[(.*)\]": r"Pager[\1\2]",
    r"Plan\[(.*)\]": r"\1",
    r"Batches\[(.*)\]": r"Results[\1]",
}
_BLOCKING = {
    r"(Pager|Results|Batcher)\[(.*)\]": r"Blocking\1[\2]",
    r"AsyncGenerator\[(.*), None\]": r"Generator[\1, None, None]",
}


class ReturnText(Struct, frozen=True):
    """A return annotation that ``help`` shows as it is; it is not a ``str``, which tools would evaluate."""

    text: str

    def __repr__(self) -> str:
        return self.text


class ParameterText(str):
    """A parameter's annotation in its source form, which ``help`` shows without quotation marks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class View(ABC):
    """A method as its class shows it. ``__wrapped__`` is the function that documentation tools read."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self.__name__, self.__qualname__ = method.__name__, method.__qualname__
        self.__module__, self.__doc__ = method.__module__, method.__doc__
        self.__wrapped__ = _as_called(method)

    @abstractmethod
    def __get__(self, obj: Any, owner: Any) -> Any:
        """Return the method of ``obj``, or this view if it is read from the class."""

    def __call__(self, obj: Resource | Blocking, *args: Any, **kwargs: Any) -> Any:
        """Call the method of ``obj``, as calling a function of a class does: ``Leads.get(marketo.leads, 7)``."""
        return self.__get__(obj, type(obj))(*args, **kwargs)

    def _parameters(self) -> str:
        whole = inspect.signature(self.__wrapped__)
        kept = list(whole.parameters.values())[1:]
        return str(whole.replace(parameters=kept, return_annotation=inspect.Signature.empty))

    def keep(self, obj: Resource | Blocking, call: Callable[..., Any]) -> Callable[..., Any]:
        """Give ``call`` its name, docstring and signature, and keep it on ``obj``, which finds it from then on."""
        found = wraps(self.__wrapped__)(call)
        whole = inspect.signature(self.__wrapped__)
        text = self._shown(repr(whole.return_annotation), obj)
        found.__signature__ = whole.replace(  # type: ignore[attr-defined]
            parameters=list(whole.parameters.values())[1:], return_annotation=ReturnText(text)
        )
        if getattr(type(obj), self.__name__, None) is self:  # and not the method that this one overrides
            obj.__dict__[self.__name__] = found
        return found

    def _shown(self, text: str, obj: Resource | Blocking) -> str:
        """Return a return annotation for one family: type variables become the model of its records."""
        family = obj
        if isinstance(obj, Blocking):
            family, text = obj.twin, _rewritten(text, _BLOCKING)
        model, known = getattr(family, "model", None), self.__wrapped__.__globals__
        if model is None:
            return text
        name = model.__name__ if isinstance(model, type) else str(model).replace("typing.", "")
        return re.sub(r"\w+", lambda word: name if isinstance(known.get(word[0]), TypeVar) else word[0], text)


def _as_called(method: Callable[..., Any]) -> FunctionType:
    """Return a copy of a method that is annotated as a caller of the async client sees it."""
    plain = inspect.unwrap(method)
    shown = FunctionType(plain.__code__, plain.__globals__, plain.__name__, plain.__defaults__, plain.__closure__)
    shown.__kwdefaults__, shown.__qualname__ = plain.__kwdefaults__, plain.__qualname__
    shown.__module__, shown.__doc__ = plain.__module__, plain.__doc__
    shown.__annotations__ = {name: ParameterText(text) for name, text in plain.__annotations__.items()}
    shown.__annotations__["return"] = ReturnText(_rewritten(plain.__annotations__["return"], _RETURNED))
    return shown


def _rewritten(text: str, rules: dict[str, str]) -> str:
    for pattern, replacement in rules.items():
        if re.fullmatch(pattern, text):
            return re.sub(pattern, replacement, text)
    return text
