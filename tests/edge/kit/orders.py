"""The load: a shop that takes orders at several merchants of one deployment, asks again as the SDKs do, and keeps
what it was told."""

import itertools
import random
import threading
import time
from dataclasses import dataclass, field

import stripe
from kit import hyperswitch

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034}
# Which localstripe declines, and which the stand-in for Hyperswitch does.
DECLINED = ("4000000000000341", hyperswitch.DECLINED)

_KINDS = {
    "pay": 40,
    "confirm": 15,
    "decline": 5,
    "capture": 12,
    "capture part": 6,
    "cancel": 10,
    "refund": 8,
    "refund twice": 4,
}

# How often a shop asks again after the SDK gave up.
_PATIENCE = 10


@dataclass
class Order:
    """One order, and what was said of it: the answer to each request, by the request's name."""

    name: str
    kind: str
    amount: int
    client: stripe.StripeClient
    said: dict[str, object] = field(default_factory=dict)
    # What a merchant would have to be astonished at.
    refusals: list[str] = field(default_factory=list)


class Shop:
    """Takes orders on so many connections until it is closed."""

    def __init__(
        self, clients: list[stripe.StripeClient], seed: str, connections: int, coded: list[stripe.StripeClient]
    ) -> None:
        self._clients, self._seed = clients, seed
        # Whose only processor takes no card without its code.
        self._coded = coded
        self.orders: list[Order] = []
        self.problems: list[str] = []
        self._closed = threading.Event()
        works = range(connections)
        self._threads = [threading.Thread(target=self._work, args=(number,), daemon=True) for number in works]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Takes no more orders, and waits until what was begun is over."""
        self._closed.set()
        for thread in self._threads:
            thread.join()

    def _work(self, number: int) -> None:
        chance = random.Random(f"{self._seed} connection {number}")
        for count in itertools.count():
            if self._closed.is_set():
                return
            [kind] = chance.choices(list(_KINDS), list(_KINDS.values()))
            name = f"{number}.{count}"
            order = Order(name, kind, chance.randrange(500, 100_000), chance.choice(self._clients))
            self.orders.append(order)
            try:
                self._take(order, chance)
            except Exception as problem:
                self.problems.append(f"order {name} ({kind}): {type(problem).__name__}: {problem}")

    def _take(self, order: Order, chance: random.Random) -> None:
        intent = self._paid(order, chance)
        if intent is None or not _is(intent, "payment_intent"):
            return
        intent = self._settled(order, intent)
        intents, at = order.client.v1.payment_intents, intent.id
        if order.kind in ("capture", "capture part") and intent.status == "requires_capture":
            part = {} if order.kind == "capture" else {"amount_to_capture": order.amount // 2}
            self._ask(order, "capture", lambda key: intents.capture(at, part, key))
        elif order.kind == "cancel" and intent.status == "requires_capture":
            self._ask(order, "cancel", lambda key: intents.cancel(at, {}, key))
        elif order.kind == "refund" and intent.status == "succeeded":
            self._refund(order, "refund", at, order.amount // 3)
        elif order.kind == "refund twice" and intent.status == "succeeded":
            # Each is more than half, so that only one of them can go back.
            part = order.amount * 6 // 10
            both = [threading.Thread(target=self._refund, args=(order, f"refund {n}", at, part)) for n in (1, 2)]
            for thread in both:
                thread.start()
            for thread in both:
                thread.join()

    def _paid(self, order: Order, chance: random.Random) -> object:
        card = {**CARD, **({"number": chance.choice(DECLINED)} if order.kind == "decline" else {})}
        if chance.random() < 0.15 or order.client in self._coded:
            card["cvc"] = "123"
        made = {"amount": order.amount, "currency": "usd", "payment_method_types": ["card"], "metadata": {"order": order.name}}
        if order.kind in ("capture", "capture part", "cancel"):
            made["capture_method"] = "manual"
        paid = {"payment_method_data": {"type": "card", "card": card}}
        intents = order.client.v1.payment_intents
        if order.kind != "confirm":
            return self._ask(order, "pay", lambda key: intents.create({**made, **paid, "confirm": True}, key))
        created = self._ask(order, "create", lambda key: intents.create(made, key))
        if created is None:
            return None
        return self._ask(order, "confirm", lambda key: intents.confirm(created.id, paid, key))

    def _refund(self, order: Order, name: str, intent: str, amount: int) -> None:
        body = {"payment_intent": intent, "amount": amount}
        self._ask(order, name, lambda key: order.client.v1.refunds.create(body, key))

    def _settled(self, order: Order, intent: stripe.PaymentIntent) -> stripe.PaymentIntent:
        """A payment whose outcome is not known yet is looked at again for a while."""
        for _ in range(40):
            if intent.status != "processing" or self._closed.is_set():
                break
            time.sleep(0.5)
            try:
                intent = order.client.v1.payment_intents.retrieve(intent.id)
            except stripe.StripeError:
                continue
        return intent

    def _ask(self, order: Order, name: str, call) -> object:
        """The answer to a request, also where that is a refusal; nothing where the shop gave up."""
        key = {"idempotency_key": f"{name} of {order.name}"}
        for _ in range(_PATIENCE):
            try:
                order.said[name] = call(key)
                return order.said[name]
            except stripe.CardError as declined:
                order.said[name] = declined
                return declined
            except (stripe.InvalidRequestError, stripe.IdempotencyError) as refused:
                if refused.code == "lock_timeout" or refused.http_status in (409, 429):
                    time.sleep(0.5)
                    continue
                order.refusals.append(f"{name}: {refused.http_status} {refused.code} {refused.user_message}")
                return None
            except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError):
                time.sleep(0.5)
        order.said[name] = None
        return None


def _is(answer: object, kind: str) -> bool:
    return getattr(answer, "object", None) == kind
