"""Three merchants of one deployment with accounts at two processors, and all that goes wrong between them; afterwards
whether everybody agrees. What happens to the deployment meanwhile is for whoever runs it to say."""

import itertools
import json
import secrets
import subprocess
import time
from pathlib import Path

import stripe
from kit import agreement, hyperswitch, localstripe
from kit.agreement import Agreement
from kit.hyperswitch import Hyperswitch
from kit.localstripe import Localstripe
from kit.orders import Order
from kit.receiver import Receiver
from kit.server import Server
from kit.weather import Notices, Proxy, Weather

_ROOT = Path(__file__).resolve().parents[3]

# How far the clock goes on afterwards, a step at a time: recovery asks after a minute, each time after twice as long.
# What brought a security code is sent again by its client alone: it is known after two days that it never arrived, and
# looked for once more a day later.
STEPS = (*[61] * 12, *[21_700] * 14)

SIGNS = {"stripe": "whsec_0123456789abcdef", "hyperswitch": "the_response_hash_key_of_the_profile"}


class Market:
    """Merchants, processors and endpoints around a server, which clients reach at `url` or else at its own address."""

    def __init__(self, server: Server, weather: Weather, url: str | None = None, forgets_keys: bool = False) -> None:
        self._server, self._weather, self._url = server, weather, url
        # The path of the webhooks of each account at a processor, by the account's secret.
        self._paths: dict[str, str] = {}
        self._numbers = itertools.count()
        self._notices = Notices(lambda: url or server.url, weather.stream("webhooks"))
        self._stripe, self._hyperswitch = Localstripe(self._tell_stripe), Hyperswitch(self._tell_hyperswitch)
        self._proxies = {
            "stripe": Proxy(self._stripe.url, weather.stream("stripe"), forgets_keys),
            "hyperswitch": Proxy(self._hyperswitch.url, weather.stream("hyperswitch")),
        }
        self._receivers: list[Receiver] = []
        # Those who pay at Hyperswitch alone, which takes no card without its code.
        self.coded: list[stripe.StripeClient] = []
        self.payments = self.double_charges = self.lost = 0
        # What came of the orders, in words.
        self.carried_out = ""

    def stop(self) -> None:
        for one in (self._stripe, self._hyperswitch, *self._proxies.values(), *self._receivers):
            one.stop()

    def take_any_reason(self) -> None:
        """Has voids succeed whose reason the processor behind Hyperswitch would not take."""
        self._hyperswitch.takes_any_reason = True

    def merchants(self) -> list[stripe.StripeClient]:
        """A merchant with an account at one processor, at the other, and with one at both."""
        return [self.merchant(["stripe"]), self.merchant(["hyperswitch"]), self.merchant(["stripe", "hyperswitch"])]

    def merchant(self, connectors: list[str]) -> stripe.StripeClient:
        """A merchant with an account at each of these, an endpoint, and its payments shared out if there are several."""
        account = self._server.account(" and ".join(connectors) or "nobody")
        at = {"base_addresses": {"api": self._url}} if self._url else {}
        client = self._server.stripe(account["secret_key"], max_network_retries=8, **at)
        made = [self.connect(client, connector) for connector in connectors]
        if len(made) > 1:
            split = [{"connector_account": one, "weight": 50} for one in made]
            client.raw_request("post", "/v1/florin/routing", default={"split": split}, max_attempts=2)
        if connectors == ["hyperswitch"]:
            self.coded.append(client)
        self.endpoint(client)
        return client

    def endpoint(self, client: stripe.StripeClient) -> None:
        """Has a server of this merchant hear of everything from now on."""
        receiver = Receiver(self._weather.stream(f"endpoint {len(self._receivers)}"))
        endpoint = client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
        receiver.secret = endpoint.secret
        self._receivers.append(receiver)

    def connect(self, client: stripe.StripeClient, connector: str, calm: bool = False) -> str:
        """Opens an account at a processor to a merchant; its id. Where it is `calm`, nothing goes wrong on the way there."""
        prefix = {"stripe": "sk_test_51", "hyperswitch": "snd_"}[connector]
        secret = prefix + secrets.token_hex(12)
        connected = {"connector": connector, "secret_key": secret, "webhook_secret": SIGNS[connector]}
        at = {"stripe": self._stripe, "hyperswitch": self._hyperswitch}[connector] if calm else self._proxies[connector]
        path = "/v1/florin/connector_accounts"
        made = client.raw_request("post", path, base_url=at.url, **connected).data
        self._paths[secret] = f"/connectors/{connector}/webhooks/{made['id']}"
        return made["id"]

    def _tell_stripe(self, secret: str, kind: str, made: dict) -> None:
        event = {"id": f"evt_{next(self._numbers)}", "object": "event", "type": kind, "livemode": False, "data": {"object": made}}
        body = json.dumps(event).encode()

        def sign() -> dict[str, str]:
            return localstripe.signature(SIGNS["stripe"], body, int(time.time()) + self._server.ahead)

        self._notices.tell((self._paths[secret], body, sign))

    def _tell_hyperswitch(self, secret: str, kind: str, made: dict) -> None:
        body = json.dumps(hyperswitch.delivery(f"evt_{next(self._numbers)}", kind, made)).encode()
        self._notices.tell((self._paths[secret], body, lambda: hyperswitch.signature(SIGNS["hyperswitch"], body)))

    def settle(self) -> None:
        """Nothing goes wrong any more, and time goes on until nothing is open."""
        self._weather.is_calm = True
        for proxy in self._proxies.values():
            proxy.arrived()
        self._notices.arrived()
        for step in STEPS:
            self._server.advance(step)
            self._server.scheduled()
            self._until_nothing_is_due()
            if not agreement.open_at(self._server):
                return

    def faults(self) -> str:
        """What went wrong until now, in words."""
        met = ", ".join(f"{name} {count}" for name, count in sorted(self._weather.met.items()))
        return f"faults: {met}; webhooks taken {self._notices.sent}, refused {dict(self._notices.refused)}"

    def _until_nothing_is_due(self) -> None:
        """Gives what is due the time that it takes. What is still due then, as after an outage, is at the next step, too."""
        for _ in range(20):
            time.sleep(0.25)
            if not agreement.is_due_at(self._server):
                return

    def wrong(self, orders: list[Order]) -> list[str]:
        """What is not as it was told, asked for or noted somewhere."""
        payments = agreement.payments_at("localstripe", self._stripe) + agreement.payments_at("hyperswitch", self._hyperswitch)
        agreed = Agreement(self._server, payments)
        agreed.check(orders, self._receivers)
        wrong = agreed.wrong
        wrong += [f"still open: {what}" for what in agreement.open_at(self._server)]
        parked = "SELECT id, type, problem FROM connector_webhooks WHERE status = 'parked'"
        wrong += [f"a webhook was parked: {row}" for row in self._server.query(parked)]
        for one in (self._stripe, self._hyperswitch, *self._proxies.values()):
            wrong += one.faults_of_its_own()
        wrong += _audited(self._server.state)
        self.carried_out = ", ".join(f"{count} {purpose}" for purpose, count in agreed.carried_out.items())
        self.payments, self.double_charges, self.lost = len(payments), agreed.double_charges, agreed.lost
        return wrong


def _audited(state: str) -> list[str]:
    """What the product's own audit finds."""
    ended = subprocess.run(["cargo", "xtask", "audit", "--json", "--state", state], capture_output=True, text=True, cwd=_ROOT)
    if not ended.stdout:
        return [f"the audit did not run: {ended.stderr}"]
    checks = json.loads(ended.stdout)["checks"]
    return [f"the audit: {check['name']}: {found}" for check in checks for found in check["findings"]]
