"""A merchant's own server that takes webhooks, verifies each with Stripe's library, and fails now and then."""

import json
import threading

import stripe
from kit.serving import Answer, Request, Serving
from kit.weather import Stream

_FAULTS = {"endpoint failing": 100}


class Receiver:
    """Takes deliveries. What it failed at once it takes the next time."""

    def __init__(self, stream: Stream) -> None:
        self.secret = ""
        self._stream, self._lock = stream, threading.Lock()
        self._failed: set[str] = set()
        # The events that arrived, by their ids, and what is wrong with any of them.
        self.events: dict[str, dict] = {}
        self.problems: list[str] = []
        self._serving = Serving(self._take)
        self.url = f"{self._serving.url}/webhooks"

    def stop(self) -> None:
        self._serving.stop()

    def _take(self, request: Request) -> Answer:
        signature, body = request.headers.get("stripe-signature", ""), request.body.decode()
        try:
            # Without a tolerance: the server's clock runs ahead of this machine's.
            stripe.WebhookSignature.verify_header(body, signature, self.secret, None)
        except stripe.SignatureVerificationError as problem:
            self.problems.append(f"a delivery that does not verify: {problem}")
        event = json.loads(body)
        with self._lock:
            fails = event["id"] not in self._failed and self._stream.fault(_FAULTS) is not None
            if fails:
                self._failed.add(event["id"])
                return Answer.of(500, {})
            before = self.events.setdefault(event["id"], event)
            if before != event:
                self.problems.append(f"{event['id']} says two things")
        return Answer.of(200, {})
