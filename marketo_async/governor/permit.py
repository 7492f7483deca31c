"""`Permit`: what a call holds from before it is sent until its answer has been read. Not here: who gives it out."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Permit(ABC):
    """One granted call: a place in the window, a slot, and one call of the day.

    Each of its three ends counts once. How they are kept is a subclass's: in this process, or as a lease of a store.
    """

    __slots__ = ("_answered", "_released", "waited")

    def __init__(self, waited: float) -> None:
        self._answered = self._released = False
        self.waited = waited

    @property
    def lapsed(self) -> bool:
        """Whether it is void, so that its call must not be sent any more: give it back `unsent` and ask anew.

        Only leases of a store lapse, where this process did not get to run for half their length.
        """
        return False

    def answered(self) -> None:
        """Stamp the window: the answer's headers have arrived."""
        if not self._answered:
            self._answered = True
            self._stamp()

    def release(self, *, counted: bool = True) -> None:
        """Give the slot back once the answer has been read; *counted* is whether Marketo charged the day for it."""
        if not self._released:
            self.answered()
            self._released = True
            self._free(counted=counted)

    def unsent(self) -> None:
        """Give everything back: the call certainly never left this machine."""
        if not self._released:
            self._answered = self._released = True
            self._undo()

    def abandon(self, seconds: float) -> None:
        """Wait for no answer any more: Marketo may still work on the call for up to *seconds* from now.

        The place and the slot stay taken until then, and are free at that moment.
        """
        if not self._released:
            self._released = True
            self._leave(seconds)

    @abstractmethod
    def _stamp(self) -> None: ...

    @abstractmethod
    def _free(self, *, counted: bool) -> None: ...

    @abstractmethod
    def _undo(self) -> None: ...

    @abstractmethod
    def _leave(self, seconds: float) -> None: ...
