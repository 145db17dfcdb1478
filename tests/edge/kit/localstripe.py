"""localstripe as a payment processor: it keeps its own truth, and says what it leaves out as Stripe does."""

import hashlib
import hmac
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import Callable
from urllib.parse import parse_qsl, urlencode

from kit.serving import Answer, Request, Serving, send

SECRET = "sk_test_51localstripe"

# It would write all that it has to the disk at each change, and get slower with every payment.
_START = (
    "from localstripe import resources, server\n"
    "resources.Store.dump_to_disk = lambda store: None\n"
    "server.start()\n"
)

# What it answers where a payment is not as a request needs it.
_STATE = {"code": "payment_intent_unexpected_state"}

_IN_USE = {"type": "idempotency_error", "code": "idempotency_key_in_use"}
_OTHER = {"type": "idempotency_error", "message": "Keys can only be used with the parameters of their first use."}

_EVENTS = {
    "succeeded": "payment_intent.succeeded",
    "requires_capture": "payment_intent.amount_capturable_updated",
    "requires_payment_method": "payment_intent.payment_failed",
    "canceled": "payment_intent.canceled",
}

Tell = Callable[[str, str, dict], None]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Localstripe:
    """localstripe behind what it does not do, as Stripe does it: idempotency keys, searches, sums, events."""

    def __init__(self, tell: Tell = lambda *_: None) -> None:
        self.asked: list[tuple[str, str]] = []
        # How many answers are to be lost from now on, and whether it has an outage.
        self.loses, self.is_down = 0, False
        # Gets each event: the secret of the account, its type, and the object.
        self._tell = tell
        # What was answered under a key, and to what; nothing while it is being done.
        self._keys: dict[str, tuple[Request, Answer | None]] = {}
        # The payments that were made for a key of ours: a search would go through all.
        self._made: dict[str, list[str]] = {}
        self._lock = threading.Lock()
        self.problems: list[str] = []
        self._port = free_port()
        command = [sys.executable, "-c", _START, "--from-scratch", "--port", str(self._port)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, cwd=tempfile.mkdtemp(prefix="localstripe-"), **quiet)
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self._port)).close()
                break
            except OSError:
                time.sleep(0.05)
        self._serving = Serving(self._handle)
        self.url = self._serving.url

    def stop(self) -> None:
        self._serving.stop()
        self._process.terminate()
        self._process.wait()

    def faults_of_its_own(self) -> list[str]:
        """What went wrong here, and what it was asked wrongly."""
        return self.problems + self._serving.problems

    def _handle(self, request: Request) -> Answer | None:
        self.asked.append((request.method, request.path))
        if self.is_down:
            return Answer.of(503, {"error": {"type": "api_error"}})
        answer = self._under_its_key(request) if request.method == "POST" else self._read(request)
        if self.loses > 0:
            self.loses -= 1
            return None
        return answer

    def _under_its_key(self, request: Request) -> Answer:
        key = request.headers.get("idempotency-key")
        if key is None:
            return self._change(request)
        with self._lock:
            first, answer = self._keys.setdefault(key, (request, None))
            if (first.path, first.body) != (request.path, request.body):
                self.problems.append(f"{key} was used for two requests: {first.path} and {request.path}")
                return Answer.of(400, {"error": _OTHER})
            if answer is not None:
                return answer
            if first is not request:
                return Answer.of(409, {"error": _IN_USE})
        answer = self._change(request)
        with self._lock:
            self._keys[key] = (request, answer)
        return answer

    def _ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, dict]:
        headers = {"authorization": f"Bearer {SECRET}", "content-type": "application/x-www-form-urlencoded"}
        request = Request(method, path, headers, urlencode(fields or {}).encode())
        answer = send(f"http://127.0.0.1:{self._port}", request)
        return answer.status, _shown(json.loads(answer.body))

    def _change(self, request: Request) -> Answer:
        fields = dict(parse_qsl(request.body.decode()))
        path = request.path
        if path == "/v1/payment_intents":
            status, body = self._pay(fields)
        else:
            status, body = self._ask("POST", path, fields)
            if status == 400 and path.endswith(("/capture", "/cancel")):
                body["error"].update(_STATE)
        if status == 402:
            _, charge = self._ask("GET", f"/v1/charges/{body['error']['charge']}")
            body["error"].update(type="card_error", payment_intent=self._payment(charge["payment_intent"]))
        made = body["error"].get("payment_intent", {}) if "error" in body else body
        if made.get("object") == "payment_intent" and "metadata[florin_key]" in fields:
            with self._lock:
                self._made.setdefault(fields["metadata[florin_key]"], []).append(made["id"])
        self._tell_of(request.headers.get("authorization", "").removeprefix("Bearer "), made)
        return Answer.of(status, body)

    def _payment(self, reference: str) -> dict:
        status, payment = self._ask("GET", f"/v1/payment_intents/{reference}?expand[0]=latest_charge")
        assert status == 200, payment
        return payment

    def _pay(self, fields: dict[str, str]) -> tuple[int, dict]:
        # localstripe makes the card on its own, and knows nothing of where its holder comes back to.
        prefix = "payment_method_data[card]["
        card = {f"card[{name.removeprefix(prefix)}": text for name, text in fields.items() if name.startswith(prefix)}
        card.setdefault("card[cvc]", "123")
        status, method = self._ask("POST", "/v1/payment_methods", {"type": "card", **card})
        assert status == 200, method
        kept = ("amount", "currency", "confirm", "capture_method", "metadata[florin_key]")
        paid = {name: fields[name] for name in kept}
        return self._ask("POST", "/v1/payment_intents", {**paid, "payment_method": method["id"], "expand[0]": "latest_charge"})

    def _tell_of(self, secret: str, body: dict) -> None:
        if body.get("object") == "payment_intent":
            self._tell(secret, _EVENTS[body["status"]], body)
        elif body.get("object") == "refund":
            self._tell(secret, "refund.created", body)
            self._tell(secret, "charge.refunded", self._payment(body["payment_intent"])["latest_charge"])

    def _read(self, request: Request) -> Answer:
        if not request.path.startswith("/v1/payment_intents/search"):
            return Answer.of(*self._ask("GET", request.path))
        with self._lock:
            made = [made for key, made in self._made.items() if key in request.path]
        found = [self._payment(reference) for reference in sum(made, [])]
        return Answer.of(200, {"object": "search_result", "data": found, "has_more": False})

    def payments(self) -> list[dict]:
        """The payments that it knows."""
        return self._all("/v1/payment_intents", "data.latest_charge")

    def refunds(self) -> list[dict]:
        """The refunds that it was asked for; what a capture left over looks like one, too, and has no key."""
        return [refund for refund in self._all("/v1/refunds") if "florin_key" in refund["metadata"]]

    def _all(self, path: str, *expanded: str) -> list[dict]:
        """All of a list, which has as many pages as it wants."""
        query = {f"expand[{place}]": name for place, name in enumerate(expanded)}
        status, page = self._ask("GET", f"{path}?{urlencode({'limit': 1_000_000, **query})}")
        assert status == 200 and not page["has_more"], page
        return [_shown(found) for found in page["data"]]


def _shown(body: dict) -> dict:
    """What localstripe leaves out of a payment."""
    if body.get("object") == "payment_intent":
        charge = body["latest_charge"] if isinstance(body["latest_charge"], dict) else None
        body["amount_received"] = 0
        # Also of a charge that failed it says that it was captured.
        if charge and charge["captured"] and charge["status"] == "succeeded":
            # What a capture leaves over, it keeps as a refund that nobody asked for. Stripe makes none of it any more.
            left = sum(refund["amount"] for refund in charge["refunds"]["data"] if not refund["metadata"])
            body["amount_received"] = charge["amount"] - left
            charge["amount_refunded"] -= left
        body["amount_capturable"] = body["amount"] if body["status"] == "requires_capture" else 0
    return body


def signature(secret: str, body: bytes, now: int) -> dict[str, str]:
    """The header that Stripe signs a delivery with."""
    signed = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={now},v1={signed}"}
