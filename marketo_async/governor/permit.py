"""`Permit`: what a call holds from before it is sent until its answer has been read. See ``authority`` for grants."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Permit(ABC):
    """One granted call: a place in the window, a slot, and one call of the day.

    A permit ends in one of four ways, and only the first end counts: `release`, `unsent`, `abandon`, or the end of its
    event loop. A subclass records the ends in this process, or in the lease of a store.
    """

    __slots__ = ("_answered", "_released", "bound", "waited")

    def __init__(self, waited: float) -> None:
        self._answered = self._released = False
        self.waited = waited
        self.bound = 0.0
        """The seconds from the grant for which Marketo may work on the call, if its event loop ends."""

    @property
    def lapsed(self) -> bool:
        """Whether the permit is void, so that its call must not be sent: give it back `unsent` and acquire again.

        Only leases of a store lapse, when this process did not run for half their length.
        """
        return False

    def answered(self) -> None:
        """Stamp the window: the answer's headers have arrived."""
        if not self._answered:
            self._answered = True
            self._stamp()

    def release(self, *, counted: bool = True) -> None:
        """Give the slot back once the answer has been read; ``counted`` says whether the call counts for the day."""
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
        """Give up on the answer; Marketo may work on the call for ``seconds`` from now.

        Until then the slot stays taken, and so does the place unless the answer had begun. Both are freed
        automatically, even if the client has been closed by then.
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
