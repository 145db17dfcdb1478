"""What goes wrong between Florin and others, by a seed: a proxy on the way to a processor, and a processor's webhooks
on their way back."""

import heapq
import random
import threading
import time
from collections import Counter
from itertools import count
from typing import Callable

from kit.serving import Answer, Request, Serving, send

# How many of a thousand requests meet each. Together they are so few that most payments are made at once, and so many
# that no second passes without one.
_FAULTS = {
    "request delayed": 40,
    "answer delayed": 40,
    "request lost": 20,
    "request lost and arriving later": 20,
    "answer lost": 40,
    "answer cut": 15,
    "request doubled": 30,
    "request doubled later": 20,
    "error before it acted": 15,
    "error after it acted": 15,
    "a gateway's page": 10,
    "too many requests": 10,
    "no answer for a long time": 2,
}

# How many of a thousand webhooks do, which are late and out of order anyway.
_NOTICES = {"webhook doubled": 150, "webhook very late": 100}

_PAGE = b"<html><head><title>502 Bad Gateway</title></head></html>"


class Weather:
    """Draws the faults of a run, and counts them. Once it is calm there are none."""

    def __init__(self, seed: str) -> None:
        self.seed, self.is_calm, self.met = seed, False, Counter()
        self._lock = threading.Lock()

    def stream(self, name: str) -> "Stream":
        return Stream(self, random.Random(f"{self.seed} {name}"))

    def note(self, fault: str) -> None:
        with self._lock:
            self.met[fault] += 1


class Stream:
    """What is drawn in one place. In which order its requests come is the machine's to say and not the seed's."""

    def __init__(self, weather: Weather, chance: random.Random) -> None:
        self._weather, self._chance, self._lock = weather, chance, threading.Lock()

    def fault(self, table: dict[str, int]) -> str | None:
        with self._lock:
            drawn = self._chance.randrange(1000)
        if self._weather.is_calm:
            return None
        for name, share in table.items():
            if drawn < share:
                self._weather.note(name)
                return name
            drawn -= share
        return None

    def seconds(self, most: float) -> float:
        with self._lock:
            return self._chance.random() * most


class Proxy:
    """Stands before a processor, and does what the weather says to requests and answers."""

    def __init__(self, upstream: str, stream: Stream, forgets_keys: bool = False, faults: dict[str, int] = _FAULTS) -> None:
        self._upstream, self._stream, self._forgets_keys = upstream, stream, forgets_keys
        # What is forgotten shows where a request comes twice.
        self._faults = {**faults, "request doubled": 200} if forgets_keys else faults
        self._late: list[threading.Thread] = []
        self._serving = Serving(self._handle)
        self.url = self._serving.url

    def stop(self) -> None:
        self._serving.stop()

    def faults_of_its_own(self) -> list[str]:
        return self._serving.problems

    def arrived(self) -> None:
        """Waits until nothing is on its way any more."""
        while self._late:
            self._late.pop().join()

    def _handle(self, request: Request) -> Answer | None:
        fault = self._stream.fault(self._faults)
        match fault:
            case "request delayed":
                time.sleep(self._stream.seconds(2))
            case "request lost":
                return None
            case "request lost and arriving later":
                self._later(request)
                return None
            case "request doubled":
                self._forward(request)
            case "request doubled later":
                self._later(request)
            case "error before it acted":
                return Answer.of(503, {"error": {"type": "api_error"}})
            case "too many requests":
                return Answer.of(429, {"error": {"type": "rate_limit_error"}})
        return self._back(fault, self._forward(request))

    def _back(self, fault: str | None, answer: Answer | None) -> Answer | None:
        match fault:
            case "answer delayed":
                time.sleep(self._stream.seconds(2))
            case "no answer for a long time":
                time.sleep(31)
                return None
            case "answer lost":
                return None
            case "answer cut" if answer is not None:
                return Answer(answer.status, answer.body, answer.content_type, cut=True)
            case "error after it acted":
                return Answer.of(500, {"error": {"type": "api_error"}})
            case "a gateway's page":
                return Answer(502, _PAGE, "text/html")
        return answer

    def _forward(self, request: Request) -> Answer | None:
        headers = dict(request.headers)
        if self._forgets_keys:
            headers.pop("idempotency-key", None)
        return send(self._upstream, Request(request.method, request.path, headers, request.body))

    def _later(self, request: Request) -> None:
        """Has a request arrive after its sender gave up, or once more."""
        pause = self._stream.seconds(5)
        thread = threading.Thread(target=lambda: (time.sleep(pause), self._forward(request)), daemon=True)
        self._late.append(thread)
        thread.start()


# How a processor's delivery is made: its path, its body, and what signs it now.
Delivery = tuple[str, bytes, Callable[[], dict[str, str]]]


class Notices:
    """A processor's webhooks on their way: late, doubled and out of order, and sent again until they are taken."""

    def __init__(self, url: Callable[[], str], stream: Stream) -> None:
        self._url, self._stream = url, stream
        self._due: list[tuple[float, int, Delivery]] = []
        self._number, self._changed, self._under_way = count(), threading.Condition(), 0
        self.sent, self.refused = 0, Counter()
        for _ in range(4):
            threading.Thread(target=self._run, daemon=True).start()

    def tell(self, delivery: Delivery) -> None:
        fault = self._stream.fault(_NOTICES)
        self._plan(delivery, self._stream.seconds(20 if fault == "webhook very late" else 1))
        if fault == "webhook doubled":
            self._plan(delivery, self._stream.seconds(5))

    def arrived(self) -> None:
        """Sends all that is left at once, and waits until it was taken."""
        with self._changed:
            self._due = [(0, number, delivery) for _, number, delivery in self._due]
            self._changed.notify()
            done = self._changed.wait_for(lambda: not self._due and not self._under_way, timeout=120)
            assert done, f"webhooks were never taken: {self.refused}"

    def _plan(self, delivery: Delivery, pause: float) -> None:
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + pause, next(self._number), delivery))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._due or self._due[0][0] > time.monotonic():
                    self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
                delivery = heapq.heappop(self._due)[2]
                self._under_way += 1
            was_taken = self._deliver(delivery)
            if not was_taken:
                self._plan(delivery, 1)
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _deliver(self, delivery: Delivery) -> bool:
        path, body, sign = delivery
        headers = {"content-type": "application/json", **sign()}
        try:
            status = send(self._url(), Request("POST", path, headers, body), timeout=20).status
        except OSError:
            return False
        except Exception as problem:  # Half an answer of a server that was killed.
            self.refused[type(problem).__name__] += 1
            return False
        self.sent += 1
        if status != 200:
            self.refused[str(status)] += 1
        return status == 200
