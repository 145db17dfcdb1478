"""Work that one version begins and another goes on with: every step of a piece of work is taken by the version that
serves then, so that each reads what the other wrote, in whatever state it was left."""

import itertools
import sys
import time
import urllib.error
import urllib.request
from typing import Callable, Iterator

import stripe
from kit.market import Market
from kit.orders import CARD, Order
from kit.server import Server

_NO_REDIRECTS = {"enabled": True, "allow_redirects": "never"}


class _Unfollowed(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


class Work:
    """One piece of work, for a merchant whose payments the simulator takes unless it connects an account."""

    def __init__(self, name: str, server: Server, market: Market, key: str) -> None:
        self.name, self.market, self.orders = name, market, list[Order]()
        self._server, self._key = server, key
        # Who serves now.
        self.url = ""

    @property
    def client(self) -> stripe.StripeClient:
        return self._server.stripe(self._key, base_addresses={"api": self.url}, max_network_retries=4)

    @property
    def v1(self):
        return self.client.v1

    def order(self, amount: int = 2000) -> Order:
        self.orders.append(Order(f"{self.name}, {len(self.orders)}", "relay", amount, self.client))
        return self.orders[-1]

    def pay(self, **changes: object) -> stripe.PaymentIntent:
        order = self.order()
        paid = {"amount": order.amount, "currency": "usd", "metadata": {"order": order.name}}
        if "return_url" not in changes:
            paid["automatic_payment_methods"] = _NO_REDIRECTS
        order.said["pay"] = self.v1.payment_intents.create({**paid, **changes})
        return order.said["pay"]

    def bought(self, **changes: object) -> stripe.PaymentIntent:
        with_what = {} if "payment_method_data" in changes else {"payment_method": "pm_card_visa"}
        return self.pay(confirm=True, **{**with_what, **changes})

    def refund(self, intent: str, amount: int) -> None:
        refund = self.v1.refunds.create({"payment_intent": intent, "amount": amount})
        self.orders[-1].said[f"refund {refund.id}"] = refund
        expect(refund.status, "succeeded")


def expect(found: object, *wanted: object) -> None:
    if found not in wanted:
        raise AssertionError(f"{found!r} instead of {wanted}")


# In each of these, whatever comes after a `yield` is asked of the version that serves next.


def _captured(work: Work) -> Iterator[None]:
    held = work.bought(capture_method="manual")
    expect(held.status, "requires_capture")
    yield
    taken = work.v1.payment_intents.capture(held.id, {"amount_to_capture": 1500})
    expect((taken.status, taken.amount_received), ("succeeded", 1500))
    yield
    work.refund(held.id, 500)
    yield
    work.refund(held.id, 1000)


def _canceled(work: Work) -> Iterator[None]:
    held = work.bought(capture_method="manual")
    yield
    expect(work.v1.payment_intents.retrieve(held.id, {"expand": ["latest_charge"]}).latest_charge.captured, False)
    expect(work.v1.payment_intents.cancel(held.id).status, "canceled")


def _confirmed(work: Work) -> Iterator[None]:
    created = work.pay()
    yield
    expect(work.v1.payment_intents.update(created.id, {"description": "Later"}).status, "requires_payment_method")
    yield
    confirmed = work.v1.payment_intents.confirm(created.id, {"payment_method": "pm_card_visa"})
    expect((confirmed.status, confirmed.description), ("succeeded", "Later"))


def _challenged(work: Work) -> Iterator[None]:
    asked = work.bought(payment_method="pm_card_threeDSecure2Required", return_url="https://shop.test/done")
    expect(asked.status, "requires_action")
    yield
    path = asked.next_action.redirect_to_url.url.split("/", 3)[3]
    try:
        urllib.request.build_opener(_Unfollowed).open(f"{work.url}/{path}", b"result=complete")
    except urllib.error.HTTPError as answer:
        expect(answer.code, 303)
    yield
    expect(work.v1.payment_intents.retrieve(asked.id).status, "succeeded")


def _kept_card(work: Work) -> Iterator[None]:
    customer = work.v1.customers.create({"email": "grace@example.com"}).id
    card = {"type": "card", "card": CARD}
    made = {"customer": customer, "payment_method_data": card, "confirm": True, "automatic_payment_methods": _NO_REDIRECTS}
    method = work.v1.setup_intents.create(made).payment_method
    for _ in range(2):
        yield
        paid = work.bought(customer=customer, payment_method=method, off_session=True)
        expect(paid.status, "succeeded")
    expect([one.id for one in work.v1.customers.payment_methods.list(customer).data], [method])


def _token(work: Work) -> Iterator[None]:
    token = work.v1.tokens.create({"card": {**CARD, "exp_month": "12", "exp_year": "2034"}}).id
    yield
    named = {"metadata": {"order": work.order().name}}
    charge = work.v1.charges.create({"amount": 2000, "currency": "usd", "source": token, "capture": False, **named})
    yield
    expect(work.v1.charges.capture(charge.id).captured, True)
    yield
    expect(work.v1.refunds.create({"charge": charge.id}).amount, 2000)


def _repeated(work: Work) -> Iterator[None]:
    order, key = work.order(), {"idempotency_key": work.name}
    paid = {"amount": order.amount, "currency": "usd", "metadata": {"order": order.name}, "confirm": True}
    paid |= {"payment_method": "pm_card_visa", "automatic_payment_methods": _NO_REDIRECTS}
    first = work.v1.payment_intents.create(paid, key)
    order.said["pay"] = first
    for _ in range(3):
        yield
        expect(work.v1.payment_intents.create(paid, key).last_response.body, first.last_response.body)
        try:
            work.v1.payment_intents.create({**paid, "amount": 2001}, key)
            raise AssertionError("another request under the same key was carried out")
        except stripe.IdempotencyError:
            pass


def _connected(work: Work) -> Iterator[None]:
    work.market.connect(work.client, "stripe", calm=True)
    yield
    held = work.bought(capture_method="manual", payment_method_data={"type": "card", "card": CARD})
    expect(held.status, "requires_capture")
    yield
    expect(work.v1.payment_intents.capture(held.id).status, "succeeded")
    yield
    work.refund(held.id, 700)


def _disputed(work: Work) -> Iterator[None]:
    charged = work.bought(payment_method="pm_card_createDispute")
    yield
    dispute = _until(lambda: next(iter(work.v1.disputes.list({"payment_intent": charged.id}).data), None))
    expect(dispute.status, "needs_response")
    yield
    answered = work.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    expect(answered.status, "under_review")
    yield
    _until(lambda: work.v1.disputes.retrieve(dispute.id).status == "won")


def _paid_out(work: Work) -> Iterator[None]:
    work.bought(payment_method="pm_card_bypassPending")
    yield
    payouts = [work.v1.payouts.create({"amount": 300, "currency": "usd"}).id for _ in range(2)]
    yield
    expect(work.v1.payouts.cancel(payouts[0]).status, "canceled")
    expect(work.v1.payouts.retrieve(payouts[1]).status, "pending")


def _searched(work: Work) -> Iterator[None]:
    made = {work.bought().id for _ in range(2)}
    query = {"query": "status:'succeeded'", "limit": 1}
    found = work.v1.payment_intents.search(query)
    yield
    after = work.v1.payment_intents.search({**query, "page": found.next_page})
    expect({one.id for page in (found, after) for one in page.data}, made)


def _until(look: Callable[[], object]):
    """What is found in the end."""
    for _ in range(60):
        found = look()
        if found:
            return found
        time.sleep(0.25)
    raise AssertionError("it did not come about")


_WORKS = (
    _captured, _canceled, _confirmed, _challenged, _kept_card, _token, _repeated, _connected, _disputed, _paid_out, _searched,
)


class Relay:
    """All pieces of work that are under way."""

    def __init__(self, server: Server, market: Market) -> None:
        self._server, self._market, self._numbers = server, market, itertools.count(1)
        self._under_way: list[tuple[Work, Iterator[None]]] = []
        self.orders: list[Order] = []
        self.problems: list[str] = []
        self.begun = self.steps = 0

    def take_over(self, version: str, url: str) -> None:
        """Has a version go on with all that is under way, and begin a piece of each kind."""
        self._go_on(version, url)
        for kind in _WORKS:
            name = f"{kind.__name__[1:]} {next(self._numbers)} of {version}"
            work = Work(name, self._server, self._market, self._server.account(name)["secret_key"])
            work.url = url
            # Whether what it hears is signed as it was told, and all arrives, is looked at in the end.
            self._market.endpoint(work.client)
            self._under_way.append((work, kind(work)))
            self.begun += 1
        self._go_on(version, url, since=-len(_WORKS))

    def finish(self, version: str, url: str) -> None:
        """Has a version bring everything to its end."""
        while self._under_way:
            self._go_on(version, url)

    def _go_on(self, version: str, url: str, since: int | None = None) -> None:
        """Takes the next step of each piece of work, or of those that came last."""
        resting = self._under_way[:since] if since else []
        for work, steps in self._under_way[since:]:
            work.url = url
            self.steps += 1
            try:
                next(steps)
                resting.append((work, steps))
            except StopIteration:
                self.orders += work.orders
            except Exception as problem:
                self.orders += work.orders
                self.problems.append(f"{work.name}, taken over by {version}: {type(problem).__name__}: {problem}")
                # At once: where versions do not get along, everything waits for what never comes.
                print(f"relay: {self.problems[-1]}", file=sys.stderr)
        self._under_way = resting
