"""`Permit`: what a call holds from before it is sent until its answer has been read.

See ``authority`` for who grants it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod


class Permit(ABC):
    """One granted call: a place in the window, a slot, and one call of the day.

    It has four ends, of which the first one counts: `release`, `unsent`, `abandon`, and the end of its event loop. How
    they are kept is a subclass's: in this process, or as a lease of a store.
    """

    __slots__ = ("_answered", "_released", "bound", "waited")

    def __init__(self, waited: float) -> None:
        self._answered = self._released = False
        self.waited = waited
        self.bound = 0.0
        """For how many seconds from its grant on Marketo may work on the call, should its event loop end."""

    @property
    def lapsed(self) -> bool:
        """Whether it is void, so that its call must not be sent any more: give it back `unsent` and ask again.

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
        """Give up on the answer: nobody will read it, and Marketo may work on the call for *seconds* from now.

        Until then the slot stays taken, and so does the place unless the answer had begun. Both come free by
        themselves, also when the client has been closed by then; nothing waits for it.
        """
        if not self._released:
            self._answered = self._released = True
            self._leave(max(seconds, 0.0))

    @abstractmethod
    def _stamp(self) -> None: ...

    @abstractmethod
    def _free(self, *, counted: bool) -> None: ...

    @abstractmethod
    def _undo(self) -> None: ...

    @abstractmethod
    def _leave(self, seconds: float) -> None: ...
