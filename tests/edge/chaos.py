"""The built Worker is killed again and again under load, between clients that ask again and processors that cannot be
relied on; then the processors, the payments, the books and the events agree.

`cargo xtask chaos` runs it as long as it is told; as a test it runs a little."""

import argparse
import random
import secrets
import sys
import time
import unittest

from kit.market import Market
from kit.orders import Shop
from kit.server import Server
from kit.weather import Weather

# What a killed request held is free after its lease, which nobody wants to wait for.
LEASE = 16


class Chaos:
    """A run of the Worker between a shop and two processors."""

    def __init__(self, kills: int, seed: str, connections: int, forgets_keys: bool = False) -> None:
        self._kills, self._seed, self._connections = kills, seed, connections
        self._chance, self._weather = random.Random(f"{seed} kills"), Weather(seed)
        self._began = time.monotonic()
        self._server = Server()
        self.market = Market(self._server, self._weather, forgets_keys=forgets_keys)

    def __enter__(self) -> "Chaos":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        self.market.stop()

    def run(self) -> list[str]:
        """Runs it, prints what came of it, and returns what is wrong."""
        clients = self.market.merchants()
        # An isolate remembers for so long that there were no accounts.
        time.sleep(6)
        shop = Shop(clients, self._seed, self._connections, self.market.coded)
        for number in range(self._kills):
            self._kill(number)
        time.sleep(2)
        self._say(f"{len(shop.orders)} orders were taken")
        shop.close()
        self._say("all is calm")
        self.market.settle()
        self._say(f"nothing is left to wait for, {self._server.ahead} s ahead")
        wrong = shop.problems + self.market.wrong(shop.orders)
        counts = (self.market.payments, self._kills, self._weather.met.total(), self.market.double_charges, self.market.lost)
        print("payments {}, kills {}, faults {}, double charges {}, lost {}".format(*counts))
        self._say(f"carried out: {self.market.carried_out}")
        print(self.market.faults(), file=sys.stderr)
        return wrong

    def _say(self, what: str) -> None:
        print(f"chaos: {time.monotonic() - self._began:.0f} s: {what}", file=sys.stderr)

    def _kill(self, number: int) -> None:
        """Ends the Worker at some moment of the load, and serves again."""
        time.sleep(0.5 + self._chance.random() * 3)
        if self._chance.random() < 0.3:
            # workerd alone: whoever runs it starts it again by itself.
            self._server.kill9_workerd()
        else:
            self._server.kill9()
            self._server.restart()
        self._server.advance(LEASE)
        self._say(f"killed {number + 1} of {self._kills}")


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
    is_right = chaos.market.double_charges > 0 if given.planted else not wrong
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
