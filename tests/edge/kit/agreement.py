"""After a run: whether the processors' own truth, the payments, the events and what clients were told agree."""

import json
import re
import time
from collections import Counter, defaultdict
from dataclasses import dataclass

import stripe
from kit.hyperswitch import Hyperswitch
from kit.localstripe import Localstripe
from kit.orders import Order
from kit.receiver import Receiver
from kit.server import Server


@dataclass(frozen=True)
class Payment:
    """A payment as its processor knows it."""

    processor: str
    key: str
    reference: str
    # What was taken, what is held, and what went back.
    received: int
    held: int
    refunded: int

    @property
    def stands(self) -> bool:
        """Whether money is held or was taken. What was given up and turned up later went back in full."""
        return self.held > 0 or self.received > self.refunded


def payments_at(name: str, processor: Localstripe | Hyperswitch) -> list[Payment]:
    """All payments that a processor knows."""
    reference, paid = ("id", "payment_intent") if isinstance(processor, Localstripe) else ("payment_id", "payment_id")
    back = Counter()
    for refund in processor.refunds():
        back[refund[paid]] += refund["amount"]

    def read(payment: dict) -> Payment:
        key, at = payment["metadata"]["florin_key"], payment[reference]
        return Payment(name, key, at, payment["amount_received"], payment["amount_capturable"], back[at])

    return [read(payment) for payment in processor.payments()]


# What the kinds of orders are for. A third of the orders for each have to be carried out at least, and a payment: where
# nothing is, all agrees.
_PURPOSES = {
    "payments": ("pay", "confirm"),
    "captures": ("capture", "capture part"),
    "cancellations": ("cancel",),
    "refunds": ("refund", "refund twice"),
}

# What the Worker logs where its own code met what it rules out, and what it logs of a request that it answered with 500: no
# kill and no processor explains either. What did not answer says so, and is answered with 503.
_BUGS = re.compile(
    r"panicked|RuntimeError|^\[error\] req_(?!.* did not answer)"
    r'|^\[error\] (?!\{"alert"|.*: it stays open: ).*(the database refused|the guard |a row exists already|was there and is gone'
    r"|could not be recorded|could not be left| has no | lost its |cannot go from)"
)

# What is not over.
_OPEN = (
    "SELECT 'attempt' AS what, id FROM attempts WHERE state IN ('started', 'processing', 'requires_action')",
    "SELECT 'attempt left to a person' AS what, id FROM attempts WHERE attention IS NOT NULL AND resolved IS NULL",
    "SELECT 'payment held' AS what, id FROM payment_intents WHERE pending_operation IS NOT NULL",
    "SELECT 'refund' AS what, id FROM refunds WHERE status = 'pending' OR pending_operation IS NOT NULL",
    """SELECT kind AS what, subject AS id FROM scheduled_tasks
    WHERE kind IN ('recover_attempt', 'undo_attempt', 'look_again', 'settle_refund', 'retry_connector_webhook')""",
    """SELECT 'delivery' AS what, w.id || ' of ' || e.id AS id FROM events AS e
    JOIN webhook_endpoints AS w ON w.account = e.account AND w.since_event < e.sequence
    LEFT JOIN deliveries AS d ON d.endpoint = w.id AND d.event = e.sequence
    WHERE coalesce(d.state, 'missing') <> 'succeeded'""",
)
# What is not over, and is not waited for any longer.
_DUE = (
    """SELECT subject AS id FROM scheduled_tasks
    WHERE due_at <= ? AND kind IN ('recover_attempt', 'undo_attempt', 'look_again', 'settle_refund', 'retry_connector_webhook')""",
    "SELECT endpoint AS id FROM deliveries WHERE state = 'pending' AND coalesce(next_attempt_at, 0) <= ?",
)


def open_at(server: Server) -> list[str]:
    """What is not over."""
    return [f"{row['what']} {row['id']}" for sql in _OPEN for row in server.query(sql)]


def is_due_at(server: Server) -> bool:
    """Whether something is not over that waits for nothing but its turn."""
    now = int(time.time()) + server.ahead
    return any(server.query(f"{sql} LIMIT 1", now) for sql in _DUE)


class Agreement:
    """Compares, and keeps what is wrong."""

    def __init__(self, server: Server, payments: list[Payment]) -> None:
        self.wrong: list[str] = []
        self.double_charges = self.lost = 0
        # How many orders were carried out, by their purpose.
        self.carried_out: dict[str, int] = {}
        self._server, self._payments = server, payments
        intents = server.query("SELECT id, status, received, capturable, details FROM payment_intents")
        self._intents = {intent["id"]: intent for intent in intents}
        # Which payment an attempt was made for.
        attempts = server.query("SELECT id, payment_intent, connector FROM attempts")
        self._attempts = {row["id"]: row["payment_intent"] for row in attempts}
        # The payments of an order, by its name.
        self._made: dict[str | None, list[str]] = defaultdict(list)
        for intent in intents:
            self._made[json.loads(intent["details"])["metadata"].get("order")].append(intent["id"])
        # What the simulator took, which has no truth of its own.
        self._simulated = {row["payment_intent"] for row in attempts if row["connector"] == "simulator"}
        self._refunded = Counter()
        for row in server.query("SELECT payment_intent, amount FROM refunds WHERE status = 'succeeded'"):
            self._refunded[row["payment_intent"]] += row["amount"]

    def check(self, orders: list[Order], receivers: list[Receiver]) -> None:
        there = self._by_intent()
        for intent in self._intents.values():
            if intent["id"] not in self._simulated:
                self._compare(intent, there[intent["id"]])
        for order in orders:
            self._told(order)
        self._orders(orders, there)
        self._carried_out(orders)
        self._events(receivers)
        self._faults_of_ours()

    def _doubled(self, count: int, what: str) -> None:
        self.double_charges += count
        self.wrong.append(f"charged twice: {what}")

    def _missing(self, what: str) -> None:
        self.lost += 1
        self.wrong.append(f"lost: {what}")

    def _by_intent(self) -> dict[str, list[Payment]]:
        """What is at the processors, by the payment here that it belongs to."""
        there, keys = defaultdict(list), Counter(payment.key for payment in self._payments)
        for payment in self._payments:
            if payment.key in self._attempts:
                there[self._attempts[payment.key]].append(payment)
            else:
                self._missing(f"{payment} belongs to nothing here")
        for key, count in keys.items():
            if count > 1:
                self.wrong.append(f"{key} made {count} payments at its processor")
        return there

    def _compare(self, intent: dict, there: list[Payment]) -> None:
        """One payment here with all that was ever made for it there."""
        name, standing = intent["id"], [payment for payment in there if payment.stands]
        if len(standing) > 1:
            self._doubled(len(standing) - 1, f"{name}: {standing}")
        received, held = (sum(getattr(payment, what) for payment in standing) for what in ("received", "held"))
        refunded = sum(payment.refunded for payment in standing)
        if intent["status"] not in ("succeeded", "requires_capture"):
            if standing:
                self._missing(f"{name} is {intent['status']} here, and there {standing}")
            return
        here = (intent["received"], intent["capturable"], self._refunded[name])
        if here != (received, held, refunded):
            self.wrong.append(f"{name}: received, held and refunded are {here} here, and there {standing}")
            if not standing:
                self._missing(f"{name} is {intent['status']} here, and nothing there")

    def _orders(self, orders: list[Order], there: dict[str, list[Payment]]) -> None:
        """Each order has one payment that may stand, and each payment an order."""
        known = {order.name for order in orders}
        for name, intents in self._made.items():
            if name not in known:
                self._missing(f"{intents} belong to no order")
            paid = [intent for intent in intents if self._stands(intent, there[intent])]
            if len(paid) > 1:
                self._doubled(len(paid) - 1, f"order {name}: {paid}")

    def _stands(self, intent: str, there: list[Payment]) -> bool:
        if intent in self._simulated:
            return self._intents[intent]["status"] in ("succeeded", "requires_capture")
        return any(payment.stands for payment in there)

    def _carried_out(self, orders: list[Order]) -> None:
        """Of the orders for each purpose, enough came to what they were for, at a processor."""
        for purpose, kinds in _PURPOSES.items():
            done = [self._is_done(order) for order in orders if order.kind in kinds]
            self.carried_out[purpose] = sum(done)
            if sum(done) * 3 < len(done):
                self.wrong.append(f"only {sum(done)} of {len(done)} {purpose} were carried out")
        if not self.carried_out["payments"]:
            self.wrong.append("nothing was paid")

    def _is_done(self, order: Order) -> bool:
        made = [intent for intent in self._made[order.name] if intent not in self._simulated]
        received = order.amount // 2 if order.kind == "capture part" else order.amount
        wanted = ("canceled", 0) if order.kind == "cancel" else ("succeeded", received)
        found = [(self._intents[intent]["status"], self._intents[intent]["received"]) for intent in made]
        is_refunded = order.kind not in _PURPOSES["refunds"] or any(self._refunded[intent] for intent in made)
        return wanted in found and is_refunded

    def _faults_of_ours(self) -> None:
        """What was logged that no kill and no processor explains."""
        self.wrong += [f"the log: {line}" for line in self._server.log if _BUGS.search(line)]

    def _told(self, order: Order) -> None:
        """What a client was told is so in the end."""
        for name, answer in order.said.items():
            kind = getattr(answer, "object", None)
            if answer is None:
                self.wrong.append(f"order {order.name} ({order.kind}): {name} was given up")
            elif kind == "payment_intent":
                self._told_of_payment(order, name, answer)
            elif kind == "refund":
                [refund] = self._server.query("SELECT status, amount FROM refunds WHERE id = ?", answer.id) or [{}]
                if answer.status == "succeeded" and refund != {"status": "succeeded", "amount": answer.amount}:
                    self._missing(f"{answer.id} was told as succeeded, and is {refund}")
            elif isinstance(answer, stripe.CardError) and order.kind != "decline" and answer.code != "processing_error":
                self.wrong.append(f"order {order.name}: {name} was declined: {answer.code}")
        # Of two refunds that do not both fit, one is.
        if order.kind != "refund twice" or len(order.refusals) > 1:
            self.wrong += [f"order {order.name} ({order.kind}) was refused {refusal}" for refusal in order.refusals]

    def _told_of_payment(self, order: Order, name: str, told: stripe.PaymentIntent) -> None:
        found = self._intents.get(told.id)
        if found is None:
            return self._missing(f"{told.id} was told to order {order.name}, and does not exist")
        # What is taken or let go of stays so; what is held may have been taken or let go of since.
        ends = ("succeeded", "canceled") if name != "cancel" else ("canceled",)
        if told.status in ends and (found["status"], found["received"]) != (told.status, told.amount_received):
            now = f"{found['status']}, {found['received']}"
            self._missing(f"{told.id} was told as {told.status}, {told.amount_received}, and is {now}")
        if told.status == "requires_capture" and found["status"] not in ("requires_capture", "succeeded", "canceled"):
            self._missing(f"{told.id} was told as held, and is {found['status']}")

    def _events(self, receivers: list[Receiver]) -> None:
        """Each end is told of once, and each event reached its endpoint."""
        told = Counter()
        for row in self._server.query("SELECT object, type FROM events"):
            told[row["object"], row["type"]] += 1
        for intent in self._intents.values():
            for status in ("succeeded", "canceled"):
                count, expected = told[intent["id"], f"payment_intent.{status}"], int(intent["status"] == status)
                if count != expected:
                    self.wrong.append(f"{intent['id']} is {intent['status']}, and told as {status} {count} times")
        for row in self._server.query("SELECT id FROM refunds"):
            if told[row["id"], "refund.created"] != 1:
                self.wrong.append(f"{row['id']} was told of {told[row['id'], 'refund.created']} times")
        arrived = set().union(*(receiver.events for receiver in receivers))
        for row in self._server.query("SELECT id, type FROM events"):
            if row["id"] not in arrived:
                self._missing(f"{row['id']} ({row['type']}) never arrived")
        for receiver in receivers:
            self.wrong += receiver.problems
