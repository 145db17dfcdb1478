"""What stands between clients and the versions that serve: as in the middle of a deployment, nobody knows which of them a
request meets, and its repetition may meet the other."""

import threading
from collections import defaultdict
from http.client import HTTPException

from kit.serving import Answer, Request, send
from kit.weather import Proxy, Stream

# How many of a thousand requests meet each, on their way from a client.
_FAULTS = {
    "request lost": 20,
    "request lost and arriving later": 20,
    "answer lost": 120,
    "answer delayed": 20,
    "request doubled": 150,
    "request doubled later": 50,
}


class Front(Proxy):
    """Hands each request to one of the versions, and holds what they answer under one key against each other."""

    def __init__(self, stream: Stream) -> None:
        super().__init__("", stream, faults=_FAULTS)
        # The addresses of what serves, by the version's name.
        self.versions: dict[str, str] = {}
        # By the account's key, the path and the idempotency key: how often it came, what was answered, and by whom.
        self._came: dict[tuple[str, ...], int] = {}
        self._answers: dict[tuple[str, ...], bytes] = {}
        self._answered: dict[tuple[str, ...], set[str]] = defaultdict(set)
        self._held = threading.Lock()
        self.problems: list[str] = []

    @property
    def answered_by_both(self) -> int:
        """How many requests were answered alike by two versions."""
        return sum(len(versions) > 1 for versions in self._answered.values())

    def _forward(self, request: Request) -> Answer | None:
        key = request.headers.get("idempotency-key")
        asked = (request.headers.get("authorization", ""), request.path, key or "")
        versions = self.versions
        version = self._next(asked, sorted(versions))
        try:
            answer = send(versions[version], request)
        except (OSError, HTTPException):
            return None  # Whoever was asked is gone.
        if key and answer.status == 200:
            self._compare(asked, version, answer.body)
        return answer

    def _next(self, asked: tuple[str, ...], versions: list[str]) -> str:
        """Any version for what is new, and the other for each repetition of it."""
        drawn = int(self._stream.seconds(len(versions)))
        with self._held:
            came = self._came[asked] = self._came.get(asked, drawn) + 1
        return versions[came % len(versions)]

    def _compare(self, asked: tuple[str, ...], version: str, body: bytes) -> None:
        with self._held:
            first = self._answers.setdefault(asked, body)
            self._answered[asked].add(version)
        if first != body:
            self.problems.append(f"{asked[1:]}: {version} answers {body!r}, and what was answered is {first!r}")
