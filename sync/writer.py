"""The thread that owns the writing connection.

Owns the order of transactions and the group commit: what arrives while one commit waits for the disk shares the next.
Refuses network calls: a change only reads and writes rows. Invariant: a caller hears only of what is durable.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, Protocol, TypeVar

from sync.store import Store, StoreError, Transaction

T = TypeVar("T")
Change = Callable[[Transaction], Any]

_GROUP: Final = 256


class Writes(Protocol):
    """Whoever runs changes in transactions: the store itself, or the thread that owns it."""

    def write(self, change: Callable[[Transaction], T]) -> T: ...


class Writer:
    """Runs changes one after another on a thread of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queue: queue.SimpleQueue[tuple[Change, Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def submit(self, change: Callable[[Transaction], T]) -> Future[T]:
        """A future of the change's result; it raises what the change raised, or StoreError."""
        future: Future[T] = Future()
        self._queue.put((change, future))
        return future

    def write(self, change: Callable[[Transaction], T]) -> T:
        return self.submit(change).result()

    def close(self) -> None:
        """Finishes what was asked for before, then ends the thread. The store stays open."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        ended = False
        while not ended:
            group = [self._queue.get()]
            while len(group) < _GROUP and not self._queue.empty():
                group.append(self._queue.get())
            ended = None in group
            asked = [job for job in group if job is not None]
            if asked:
                self._commit(asked)

    def _commit(self, asked: list[tuple[Change, Future[Any]]]) -> None:
        try:
            results = self._store.write_each([change for change, _ in asked])
        except StoreError as error:
            results = [error] * len(asked)
        for (_, future), result in zip(asked, results, strict=True):
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
