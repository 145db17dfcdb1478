"""The built Worker is killed again and again under load, between clients that ask again and processors that cannot be
relied on; then the processors, the payments, the books and the events agree.

`cargo xtask chaos` runs it as long as it is told; as a test it runs a little."""

import argparse
import itertools
import json
import os
import random
import secrets
import subprocess
import sys
import time
import unittest
from pathlib import Path

from kit import agreement, hyperswitch, localstripe
from kit.agreement import Agreement
from kit.hyperswitch import Hyperswitch
from kit.localstripe import Localstripe
from kit.orders import Shop
from kit.receiver import Receiver
from kit.server import Server
from kit.weather import Delivery, Notices, Proxy, Weather

ROOT = Path(__file__).resolve().parents[2]

# What a killed request held is free after its lease, which nobody wants to wait for.
LEASE = 16
# How far the clock goes on afterwards, a step at a time: recovery asks after a minute, each time after twice as long.
# What brought a security code is sent again by its client alone: it is known after two days that it never arrived, and
# looked for once more a day later.
STEPS = (*[61] * 12, *[21_700] * 14)

SIGNS = {"stripe": "whsec_0123456789abcdef", "hyperswitch": "the_response_hash_key_of_the_profile"}


class Chaos:
    """A run of the Worker between a shop and two processors."""

    def __init__(self, kills: int, seed: str, connections: int, forgets_keys: bool = False) -> None:
        self.kills, self.seed, self.connections = kills, seed, connections
        self._chance, self._weather = random.Random(f"{seed} kills"), Weather(seed)
        # The path of the webhooks of each account at a processor, by the account's secret.
        self._paths: dict[str, str] = {}
        self._numbers, self._began = itertools.count(), time.monotonic()
        self.server = Server()
        self._notices = Notices(lambda: self.server.url, self._weather.stream("webhooks"))
        self._stripe, self._hyperswitch = Localstripe(self._tell_stripe), Hyperswitch(self._tell_hyperswitch)
        self._proxies = {
            "stripe": Proxy(self._stripe.url, self._weather.stream("stripe"), forgets_keys),
            "hyperswitch": Proxy(self._hyperswitch.url, self._weather.stream("hyperswitch")),
        }
        self._receivers: list[Receiver] = []
        self.double_charges = 0

    def __enter__(self) -> "Chaos":
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self.server, self._stripe, self._hyperswitch, *self._proxies.values(), *self._receivers):
            one.stop()

    def run(self) -> list[str]:
        """Runs it, prints what came of it, and returns what is wrong."""
        clients = [self._merchant(["stripe"]), self._merchant(["hyperswitch"]), self._merchant(["stripe", "hyperswitch"])]
        # An isolate remembers for so long that there were no accounts.
        time.sleep(6)
        shop = Shop(clients, self.seed, self.connections)
        for number in range(self.kills):
            self._kill(number)
        time.sleep(2)
        self._say(f"{len(shop.orders)} orders were taken")
        shop.close()
        self._say("all is calm")
        self._settle()
        self._say(f"nothing is left to wait for, {self.server.ahead} s ahead")
        wrong = shop.problems + self._wrong(shop)
        met = ", ".join(f"{name} {count}" for name, count in sorted(self._weather.met.items()))
        print(f"faults: {met}; webhooks taken {self._notices.sent}, refused {dict(self._notices.refused)}", file=sys.stderr)
        return wrong

    def _say(self, what: str) -> None:
        print(f"chaos: {time.monotonic() - self._began:.0f} s: {what}", file=sys.stderr)

    def _merchant(self, connectors: list[str]):
        """A merchant with an account at each of these, an endpoint, and its payments shared out if there are several."""
        account = self.server.account(" and ".join(connectors))
        client = self.server.stripe(account["secret_key"], max_network_retries=8)
        made = [self._connect(client, connector) for connector in connectors]
        if len(made) > 1:
            split = [{"connector_account": one, "weight": 50} for one in made]
            client.raw_request("post", "/v1/florin/routing", default={"split": split}, max_attempts=2)
        receiver = Receiver(self._weather.stream(f"endpoint of {account['account']}"))
        endpoint = client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
        receiver.secret = endpoint.secret
        self._receivers.append(receiver)
        return client

    def _connect(self, client, connector: str) -> str:
        prefix = {"stripe": "sk_test_51", "hyperswitch": "snd_"}[connector]
        secret = prefix + secrets.token_hex(12)
        connected = {"connector": connector, "secret_key": secret, "webhook_secret": SIGNS[connector]}
        path = "/v1/florin/connector_accounts"
        made = client.raw_request("post", path, base_url=self._proxies[connector].url, **connected).data
        self._paths[secret] = f"/connectors/{connector}/webhooks/{made['id']}"
        return made["id"]

    def _tell_stripe(self, secret: str, kind: str, made: dict) -> None:
        event = {"id": f"evt_{next(self._numbers)}", "object": "event", "type": kind, "livemode": False, "data": {"object": made}}
        body = json.dumps(event).encode()

        def sign() -> dict[str, str]:
            return localstripe.signature(SIGNS["stripe"], body, int(time.time()) + self.server.ahead)

        self._notices.tell((self._paths[secret], body, sign))

    def _tell_hyperswitch(self, secret: str, kind: str, made: dict) -> None:
        body = json.dumps(hyperswitch.delivery(f"evt_{next(self._numbers)}", kind, made)).encode()
        self._notices.tell((self._paths[secret], body, lambda: hyperswitch.signature(SIGNS["hyperswitch"], body)))

    def _kill(self, number: int) -> None:
        """Ends the Worker at some moment of the load, and serves again."""
        time.sleep(0.5 + self._chance.random() * 3)
        if self._chance.random() < 0.3:
            # workerd alone: whoever runs it starts it again by itself.
            self.server.kill9_workerd()
        else:
            self.server.kill9()
            self.server.restart()
        self.server.advance(LEASE)
        self._say(f"killed {number + 1} of {self.kills}")

    def _settle(self) -> None:
        """Nothing goes wrong any more, and time goes on until nothing is open."""
        self._weather.is_calm = True
        for proxy in self._proxies.values():
            proxy.arrived()
        self._notices.arrived()
        for step in STEPS:
            self.server.advance(step)
            self.server.scheduled()
            self._until_nothing_is_due()
            if not agreement.open_at(self.server):
                return

    def _until_nothing_is_due(self) -> None:
        """Gives what is due the time that it takes. What is still due then, as after an outage, is at the next step, too."""
        for _ in range(20):
            time.sleep(0.25)
            if not agreement.is_due_at(self.server):
                return

    def _wrong(self, shop: Shop) -> list[str]:
        payments = agreement.payments_at("localstripe", self._stripe) + agreement.payments_at("hyperswitch", self._hyperswitch)
        agreed = Agreement(self.server, payments)
        agreed.check(shop.orders, self._receivers)
        wrong = agreed.wrong
        wrong += [f"still open: {what}" for what in agreement.open_at(self.server)]
        parked = "SELECT id, type, problem FROM connector_webhooks WHERE status = 'parked'"
        wrong += [f"a webhook was parked: {row}" for row in self.server.query(parked)]
        for one in (self._stripe, self._hyperswitch, *self._proxies.values()):
            wrong += one.faults_of_its_own()
        wrong += _audited(self.server.state)
        self.double_charges = agreed.double_charges
        counts = (len(payments), self.kills, self._weather.met.total(), self.double_charges, agreed.lost)
        print("payments {}, kills {}, faults {}, double charges {}, lost {}".format(*counts))
        return wrong


def _audited(state: str) -> list[str]:
    """What the product's own audit finds."""
    ended = subprocess.run(["cargo", "xtask", "audit", "--json", "--state", state], capture_output=True, text=True, cwd=ROOT)
    if not ended.stdout:
        return [f"the audit did not run: {ended.stderr}"]
    checks = json.loads(ended.stdout)["checks"]
    return [f"the audit: {check['name']}: {found}" for check in checks for found in check["findings"]]


class Test(unittest.TestCase):
    def test_killed_between_processors_that_fail_nothing_is_charged_twice_or_lost(self):
        with Chaos(kills=3, seed="edge", connections=8) as chaos:
            self.assertEqual(chaos.run(), [])


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", default=secrets.token_hex(4))
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--planted", action="store_true")
    given = parser.parse_args()
    print(f"chaos: seed {given.seed}", file=sys.stderr)
    with Chaos(given.kills, given.seed, given.connections, given.planted) as chaos:
        wrong = chaos.run()
    for line in wrong:
        print(line)
    # What is planted has to be found.
    is_right = chaos.double_charges > 0 if given.planted else not wrong
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
