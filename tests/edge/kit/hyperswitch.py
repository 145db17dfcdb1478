"""A payment processor that speaks Hyperswitch's API on the wire, keeps its own truth, and holds each request against
the schemas that Hyperswitch publishes. What a card does is told by its number."""

import copy
import hashlib
import hmac
import json
import threading
from pathlib import Path
from typing import Callable
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs
from kit.serving import Answer, Request, Serving

# What Stripe, behind it, takes for the reason of a void (https://docs.stripe.com/api/payment_intents/cancel).
REASONS = (None, "duplicate", "fraudulent", "requested_by_customer", "abandoned")

# How many characters of a description its database keeps.
LONGEST_DESCRIPTION = 255

DECLINED = "4000000000009995"
CHALLENGED = "4000002760003184"

_SCHEMAS = json.loads((Path(__file__).parent / "hyperswitch-schemas.json").read_text())

# Which schema holds for the body that is sent to a path, by its first and last part.
_BODIES = {
    ("payments", None): "PaymentsCreateRequest",
    ("payments", "capture"): "PaymentsCaptureRequest",
    ("payments", "cancel"): "PaymentsCancelRequest",
    ("payments", "incremental_authorization"): "PaymentsIncrementalAuthorizationRequest",
    ("refunds", None): "RefundRequest",
}

# Which schema holds for the query of what is read there.
_QUERIES = {"payments": "PaymentsRetrieveQuery", "refunds": "RefundsRetrieveQuery"}

_CHECKED = (*_BODIES.values(), *_QUERIES.values(), "PaymentsResponse", "RefundResponse")

_EVENTS = {
    "succeeded": "payment_succeeded",
    "partially_captured": "payment_captured",
    "requires_capture": "payment_authorized",
    "requires_customer_action": "action_required",
    "failed": "payment_failed",
    "cancelled": "payment_cancelled",
}

Tell = Callable[[str, str, dict], None]


def _validator(name: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for({**_SCHEMAS, "$ref": f"#/$defs/{name}"}, validate_formats=True)


class Hyperswitch:
    """Answers as Hyperswitch does on the wire, where errors are other than its schemas say."""

    def __init__(self, tell: Tell = lambda *_: None) -> None:
        # By the secret of the account and the id.
        self._payments: dict[tuple[str, str], dict] = {}
        self._refunds: dict[tuple[str, str], dict] = {}
        # The number and the customer of each card that is remembered, by the secret of the account and the card's id.
        self._cards: dict[tuple[str, str], tuple[str, str]] = {}
        # What is to be remembered once its payment succeeds or is held.
        self._wanted: dict[tuple[str, str], tuple[str, str]] = {}
        # Whether a processor behind can be paid with what is remembered.
        self.takes_cards = True
        # Whether the processor behind answers a refund with "pending", and makes it later.
        self.refunds_wait = False
        # Whether the processor behind takes whatever reason for a void.
        self.takes_any_reason = False
        self._validators = {name: _validator(name) for name in _CHECKED}
        # What was told of an object is told once and never again.
        self._told: set[tuple[str, str]] = set()
        self._tell = tell
        self._lock = threading.Lock()
        # How many answers are to be lost from now on.
        self.loses = 0
        self.asked: list[tuple[str, str]] = []
        # Requests that Hyperswitch's schemas do not allow.
        self.violations: list[str] = []
        self._serving = Serving(self._handle)
        self.url = self._serving.url

    def stop(self) -> None:
        self._serving.stop()

    def faults_of_its_own(self) -> list[str]:
        """What went wrong here, and what it was asked wrongly."""
        return self.violations + self._serving.problems

    def payments(self) -> list[dict]:
        """The payments that it knows."""
        with self._lock:
            return copy.deepcopy(list(self._payments.values()))

    def refunds(self) -> list[dict]:
        """The refunds that it was asked for."""
        with self._lock:
            return copy.deepcopy(list(self._refunds.values()))

    def forget_cards(self) -> None:
        """Remembers no card any more."""
        with self._lock:
            self._cards.clear()

    def finish_challenge(self, payment_id: str, succeeds: bool = True) -> None:
        """Does what the cardholder does on the page of the challenge."""
        with self._lock:
            [(secret, payment)] = [(at[0], found) for at, found in self._payments.items() if at[1] == payment_id]
            assert payment["status"] == "requires_customer_action", payment
            del payment["next_action"]
            _end(payment, succeeds)
            self._remember((secret, payment_id))
            self._told_of(secret, payment)

    def _handle(self, request: Request) -> Answer | None:
        with self._lock:
            self.asked.append((request.method, request.path))
            status, body = self._answer(request)
            name = "RefundResponse" if "refund_id" in body else "PaymentsResponse"
            if status == 200:
                self._validators[name].validate(body)
            if self.loses > 0:
                self.loses -= 1
                return None
            return Answer.of(status, body)

    def _answer(self, request: Request) -> tuple[int, dict]:
        secret = request.headers.get("api-key", "")
        if not secret.startswith(("snd_", "dev_")):
            return _refused(401, "IR_01", "API key not provided or invalid API key used")
        url = urlsplit(request.path)
        kind, *rest = url.path.removeprefix("/").split("/")
        objects = {"payments": self._payments, "refunds": self._refunds}.get(kind)
        if objects is None or len(rest) > 2:
            return _refused(404, "IR_02", "Unrecognized request URL")
        query = self._query(kind, rest, request, url.query)
        if query is None:
            return _refused(400, "IR_06", "Query deserialize error")
        found = objects.get((secret, rest[0])) if rest else None
        if rest and found is None:
            return _refused(404, "HE_02", f"{kind.removesuffix('s').capitalize()} does not exist in our records")
        if request.method == "GET":
            if found["status"] == "pending" and query.get("force_sync") and not self.refunds_wait:
                # Only whoever asks for it has it look at the processor behind.
                found["status"] = "succeeded"
                self._told_of(secret, found)
            return 200, copy.deepcopy(found)
        verb = rest[1] if len(rest) == 2 else None
        body = self._read(kind, verb, request)
        if body is None:
            return _refused(400, "IR_06", "Json deserialize error")
        if kind == "payments" and found is None and body.get("profile_id") != request.headers.get("x-profile-id"):
            # Where there are several profiles, the header alone chooses none.
            return _refused(400, "IR_04", "Missing required param: profile_id")
        if found is not None:
            done = self._operate(found, verb, body)
        else:
            done = self._pay(secret, body) if kind == "payments" else self._refund(secret, body)
        if done[0] == 200:
            self._told_of(secret, done[1])
        return copy.deepcopy(done)

    def _query(self, kind: str, rest: list[str], request: Request, text: str) -> dict | None:
        """What is asked for beside the path, or None where the schemas do not allow it."""
        read = {"true": True, "false": False}
        query = {name: read.get(value, value) for name, value in parse_qsl(text, keep_blank_values=True)}
        try:
            assert request.method == "GET" or not query, "nothing is posted in a query"
            if request.method == "GET":
                assert len(rest) == 1, "nobody reads there"
                self._validators[_QUERIES[kind]].validate(query)
            return query
        except (AssertionError, ValueError) as problem:
            self.violations.append(f"{request.method} {request.path}: {problem}")
            return None

    def _read(self, kind: str, verb: str | None, request: Request) -> dict | None:
        """The body of a request, or None where the schemas do not allow it."""
        name = _BODIES.get((kind, verb))
        try:
            assert name is not None, "nobody posts there"
            assert request.headers.get("content-type") == "application/json", "a body that is called no JSON"
            body = json.loads(request.body)
            self._validators[name].validate(body)
            return body
        except (AssertionError, ValueError) as problem:
            self.violations.append(f"POST {request.path} ({name}): {problem}")
            return None

    def _pay(self, secret: str, body: dict) -> tuple[int, dict]:
        at = (secret, body["payment_id"])
        code = ((body.get("payment_method_data") or {}).get("card") or {}).get("card_cvc")
        if code is not None and len(code) not in (3, 4):
            # The card is looked at before the id.
            return _refused(400, "IR_16", "Invalid card_cvc length")
        if len(body.get("description") or "") > LONGEST_DESCRIPTION:
            return _refused(500, "HE_00", "Something went wrong")
        if at in self._payments:
            return _refused(400, "HE_01", "The payment with the specified payment_id already exists in our records")
        card = self._card(secret, body)
        if isinstance(card[0], int):
            return card
        number, customer = card
        echoed = ("payment_id", "amount", "currency", "payment_method", "metadata", "merchant_order_reference_id", "customer")
        echoed += ("setup_future_usage", "off_session", "capture_method", "return_url", "authentication_type")
        echoed += ("shipping", "billing_descriptor")
        recurring = body.get("recurring_details") or {}
        token = recurring["data"] if recurring.get("type") == "payment_method_id" else None
        payment = {
            **{name: body.get(name) for name in echoed}, "payment_method_id": token,
            "merchant_id": "merchant_1", "processor_merchant_id": "merchant_1", "profile_id": "pro_1",
            "net_amount": body["amount"], "amount_capturable": 0, "amount_received": 0, "attempt_count": 1,
            "incremental_authorization_allowed": bool(body.get("request_incremental_authorization")),
        }
        if token and not self.takes_cards:
            # It finds out only once the payment is made, which stays.
            self._payments[at] = {**payment, "status": "requires_payment_method"}
            return _refused(400, "IR_39", "No eligible connector was found for the current payment method configuration")
        if not recurring and body.get("setup_future_usage"):
            self._wanted[at] = (number, customer)
        if number == CHALLENGED or body.get("authentication_type") == "three_ds":
            payment["status"] = "requires_customer_action"
            url = f"{self.url}/payments/redirect/{body['payment_id']}"
            payment["next_action"] = {"type": "redirect_to_url", "redirect_to_url": url}
        else:
            _end(payment, number != DECLINED)
        self._payments[at] = payment
        self._remember(at)
        return 200, payment

    def _card(self, secret: str, body: dict) -> tuple:
        """The number that is paid with and the customer who pays, or the refusal; nothing is made by then."""
        customer = (body.get("customer") or {}).get("id")
        recurring = body.get("recurring_details")
        if recurring is None:
            if body.get("off_session") is not None:
                return _refused(400, "IR_04", "Missing required param: recurring_details")
            if body.get("setup_future_usage") and customer is None:
                return _refused(400, "IR_16", "customer_id is mandatory when setup_future_usage is given")
            if body.get("payment_method_data") is None:
                return _refused(400, "IR_06", "A payment token or payment method data is required")
            return body["payment_method_data"]["card"]["card_number"], customer
        if not body.get("confirm") or not body.get("off_session"):
            return _refused(400, "IR_16", "`off_session` should be `true` for mandates")
        if recurring["type"] == "network_transaction_id_and_card_details":
            return recurring["data"]["card_number"], customer
        card = self._cards.get((secret, recurring["data"]))
        if card is None:
            return _refused(404, "HE_02", "Payment method does not exist in our records")
        if card[1] != customer:
            return _refused(400, "IR_16", "customer_id must match mandate customer_id")
        return card

    def _remember(self, at: tuple[str, str]) -> None:
        """Remembers the card of a payment that succeeded or is held, where its customer agreed to that."""
        payment = self._payments[at]
        if at in self._wanted and payment["status"] in ("succeeded", "requires_capture"):
            token = f"pm_{len(self._cards):020}"
            self._cards[(at[0], token)] = self._wanted.pop(at)
            payment.update(payment_method_id=token, network_transaction_id="MCC123456789")

    def _operate(self, payment: dict, verb: str | None, body: dict) -> tuple[int, dict]:
        is_held = payment["status"] == "requires_capture"
        if verb == "capture" and is_held:
            taken = body.get("amount_to_capture") or payment["amount"]
            if taken > payment["amount_capturable"]:
                return _refused(400, "IR_06", "amount_to_capture contains invalid data")
            is_whole = taken == payment["amount"]
            payment.update(amount_received=taken, amount_capturable=0)
            payment["status"] = "succeeded" if is_whole else "partially_captured"
        elif verb == "cancel" and (is_held or payment["status"] == "requires_customer_action"):
            reason = body.get("cancellation_reason")
            payment["cancellation_reason"] = reason
            if reason in REASONS or self.takes_any_reason:
                payment.update(amount_capturable=0, status="cancelled")
            else:
                # The processor behind refuses that and holds the money on; nothing more can be done with the payment.
                payment.update(status="failed", error_code="parameter_invalid", error_message="Invalid cancellation_reason")
        elif verb == "incremental_authorization" and is_held and payment["incremental_authorization_allowed"]:
            payment.update(amount=body["amount"], net_amount=body["amount"], amount_capturable=body["amount"])
        else:
            return _refused(400, "IR_14", f"This Payment could not be {verb} because it has a status of {payment['status']}")
        return 200, payment

    def _refund(self, secret: str, body: dict) -> tuple[int, dict]:
        at = (secret, body["refund_id"])
        if at in self._refunds:
            return _refused(400, "HE_01", "The refund with the specified refund_id already exists in our records")
        payment = self._payments.get((secret, body["payment_id"]))
        if payment is None:
            return _refused(404, "HE_02", "Payment does not exist in our records")
        before = sum(refund["amount"] for refund in self._refunds.values() if refund["payment_id"] == body["payment_id"])
        if before + body["amount"] > payment["amount_received"]:
            return _refused(400, "IR_13", "The refund amount exceeds the amount captured")
        refund = {name: body[name] for name in ("refund_id", "payment_id", "amount", "metadata")}
        refund.update(currency=payment["currency"], status="pending" if self.refunds_wait else "succeeded", connector="stripe_test")
        self._refunds[at] = refund
        return 200, refund

    def _told_of(self, secret: str, made: dict) -> None:
        is_refund = "refund_id" in made
        if made["status"] == "pending":
            # It tells of a refund once it knows what became of it.
            return
        event = f"refund_{made['status']}" if is_refund else _EVENTS[made["status"]]
        told = (made["refund_id" if is_refund else "payment_id"], event)
        if told not in self._told:
            self._told.add(told)
            self._tell(secret, event, copy.deepcopy(made))


def _end(payment: dict, succeeds: bool) -> None:
    """What becomes of a payment that is authorised or declined; that is no error on the wire."""
    amount = payment["amount"]
    if not succeeds:
        payment.update(status="failed", error_code="card_declined", issuer_error_code="51")
        payment["error_message"] = "Your card has insufficient funds."
    elif payment["capture_method"] == "manual":
        payment.update(status="requires_capture", amount_capturable=amount)
    else:
        payment.update(status="succeeded", amount_received=amount)


def _refused(status: int, code: str, message: str) -> tuple[int, dict]:
    kind = "duplicate_request" if code == "HE_01" else "invalid_request"
    return status, {"error": {"type": kind, "message": message, "code": code}}


def delivery(event: str, kind: str, made: dict) -> dict:
    """What is told unasked; its id stands for the object and what is told of it."""
    content = "refund_details" if "refund_id" in made else "payment_details"
    told = {"event_id": event, "event_type": kind, "content": {"type": content, "object": made}}
    return {"merchant_id": "merchant_1", "processor_merchant_id": "merchant_1", "timestamp": "2026-01-01T00:00:00Z", **told}


def signature(secret: str, body: bytes) -> dict[str, str]:
    """The header that Hyperswitch signs a delivery with; it says no time."""
    return {"x-webhook-signature-512": hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()}
