"""The version before this one and this one over one state: as while one takes the other's place, each part of it at a time,
and after a rollback; then the processors, the payments, the books and the events agree.

`cargo xtask rollout` runs it for as long as it is told; as a test it runs a little."""

import argparse
import os
import secrets
import sys
import time
import unittest
from pathlib import Path

from kit.front import Front
from kit.localstripe import free_port
from kit.market import Market
from kit.orders import Shop
from kit.relay import Relay
from kit.server import Server
from kit.weather import Weather

# What a killed request held is free after its lease, which nobody wants to wait for.
LEASE = 16

PREVIOUS, TODAY = "the version before", "this version"


class Rollout:
    """A deployment of this version in the place of the one before, under load, and its rollback."""

    def __init__(self, previous: str, seconds: float, seed: str, connections: int) -> None:
        self._seconds, self._seed, self._connections = seconds, seed, connections
        self._weather, self._began = Weather(seed), time.monotonic()
        configs = {PREVIOUS: Path(previous), TODAY: Path(__file__).resolve().parents[2]}
        self._configs = {version: str(folder / "wrangler.toml") for version, folder in configs.items()}
        self._port = free_port()
        # Its own schema and nothing newer.
        self._server = Server({"config": self._configs[PREVIOUS]})
        self._front = Front(self._weather.stream("clients"))
        self._front.versions = {PREVIOUS: self._server.url}
        self._market = Market(self._server, self._weather, self._front.url)
        # The version before may give one of its own.
        self._market.take_any_reason()
        self._relay = Relay(self._server, self._market)

    def __enter__(self) -> "Rollout":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        self._front.stop()
        self._market.stop()

    def run(self) -> list[str]:
        """Runs it, prints what came of it, and returns what is wrong."""
        clients = self._market.merchants()
        # An isolate remembers for so long that there were no accounts.
        time.sleep(6)
        shop = Shop(clients, self._seed, self._connections, self._market.coded)
        self._goes_on("the version before on its own schema", PREVIOUS)
        self._say(f"this version's schema: {', '.join(self._server.migrate()) or 'as before'}")
        self._goes_on("the version before on this version's schema", PREVIOUS)
        # Objects, alarms and requests on one side; the queues' messages are the other's to take.
        self._serve(PREVIOUS, beside=TODAY)
        self._goes_on("both, the objects still the version before's", TODAY, PREVIOUS)
        self._serve(TODAY, beside=PREVIOUS)
        self._goes_on("both, the objects this version's", PREVIOUS, TODAY)
        self._serve(PREVIOUS)
        self._goes_on("rolled back", PREVIOUS)
        # What a migration takes away goes once nobody names it any more.
        self._serve(TODAY, migrations=True)
        self._goes_on("this version alone", TODAY)
        self._say(f"{len(shop.orders)} orders were taken")
        shop.close()
        self._weather.is_calm = True
        self._relay.finish(TODAY, self._server.url)
        self._market.settle()
        self._say(f"nothing is left to wait for, {self._server.ahead} s ahead")
        return self._wrong(shop)

    def _say(self, what: str) -> None:
        print(f"rollout: {time.monotonic() - self._began:.0f} s: {what}", file=sys.stderr)

    def _serve(self, version: str, beside: str | None = None, migrations: bool = False) -> None:
        """Ends all that runs in the middle of whatever it does, and has others serve what it left."""
        serving = {"config": self._configs[version], "migrations": migrations}
        if beside:
            serving["beside"] = {"config": self._configs[beside], "port": self._port, "consumes": True}
        self._server.kill9()
        self._server.restart(serving)
        others = {beside: f"http://127.0.0.1:{self._port}"} if beside else {}
        self._front.versions = {version: self._server.url, **others}
        self._server.advance(LEASE)

    def _goes_on(self, what: str, *versions: str) -> None:
        """Load on all that serves, while each of these takes over what others have begun."""
        self._say(what)
        end = time.monotonic() + self._seconds
        for version in versions:
            self._relay.take_over(version, self._front.versions[version])
        time.sleep(max(0, end - time.monotonic()))

    def _wrong(self, shop: Shop) -> list[str]:
        wrong = shop.problems + self._relay.problems + self._front.problems
        wrong += self._market.wrong(shop.orders + self._relay.orders)
        alike = self._front.answered_by_both
        if not alike:
            wrong.append("no request was answered by both versions: nothing was tried of that")
        counts = (self._market.payments, self._relay.begun, self._relay.steps, alike, self._market.double_charges, self._market.lost)
        print("payments {}, begun {}, steps taken over {}, answered alike {}, double charges {}, lost {}".format(*counts))
        print(self._market.faults(), file=sys.stderr)
        return wrong


class Test(unittest.TestCase):
    def test_scenarios_37_and_38_two_versions_over_one_state_and_a_rollback_lose_and_double_nothing(self):
        with Rollout(os.environ["FLORIN_PREVIOUS"], seconds=3, seed="edge", connections=4) as rollout:
            self.assertEqual(rollout.run(), [])


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--seed", default=secrets.token_hex(4))
    parser.add_argument("--connections", type=int, default=8)
    given = parser.parse_args()
    print(f"rollout: seed {given.seed}", file=sys.stderr)
    with Rollout(os.environ["FLORIN_PREVIOUS"], given.seconds, given.seed, given.connections) as rollout:
        wrong = rollout.run()
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
