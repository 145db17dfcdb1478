"""Payments through a processor's account on workerd: localstripe is the processor, and keeps its own truth."""

import json
import re
import time
import unittest

import stripe
from kit.localstripe import SECRET, Localstripe, signature
from kit.server import Server
from kit.serving import Request, send

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034}
SIGNS = "whsec_0123456789abcdef"


class Processors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.processor = Localstripe()
        cls.addClassCleanup(cls.processor.stop)
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        cls.account = cls.server.account("Processors")
        cls.client = cls.server.stripe(cls.account["secret_key"])
        connected = {"connector": "stripe", "secret_key": SECRET, "base_url": cls.processor.url}
        made = cls.client.raw_request("post", "/v1/florin/connector_accounts", **connected)
        assert made.data["status"] == "active"
        # An isolate remembers for so long that there was none.
        time.sleep(6)

    def pay(self, **changes):
        card = {"payment_method_data": {"type": "card", "card": CARD}, "payment_method_types": ["card"]}
        paid = {"amount": 2000, "currency": "usd", "confirm": True, **card}
        return self.client.v1.payment_intents.create({**paid, **changes})

    def there(self, intent):
        """The payment as the processor knows it."""
        [attempt] = self.server.query("SELECT id FROM attempts WHERE payment_intent = ? AND kind = 'authorize'", intent.id)
        found = [paid for paid in self.processor.payments() if paid["metadata"]["florin_key"] == attempt["id"]]
        self.assertEqual(len(found), 1, "one payment under our key")
        return found[0]

    def test_a_payment_is_made_captured_and_refunded_there(self):
        paid = self.pay()
        self.assertEqual(paid.status, "succeeded")
        self.assertEqual(self.there(paid)["status"], "succeeded")
        held = self.pay(capture_method="manual")
        self.assertEqual((held.status, self.there(held)["status"]), ("requires_capture", "requires_capture"))
        self.assertEqual(self.client.v1.payment_intents.capture(held.id).status, "succeeded")
        self.assertEqual(self.there(held)["amount_received"], 2000)
        refund = self.client.v1.refunds.create({"payment_intent": paid.id, "amount": 500})
        self.assertEqual(refund.status, "succeeded")
        self.assertEqual(self.there(paid)["latest_charge"]["amount_refunded"], 500)

    def hear(self, account, event, secret=SIGNS):
        """Sends an event as Stripe does, and returns the status of the answer."""
        body = json.dumps(event).encode()
        headers = {"content-type": "application/json", **signature(secret, body, int(time.time()))}
        return send(self.server.url, Request("POST", f"/connectors/stripe/webhooks/{account}", headers, body)).status

    def test_a_webhook_tells_of_a_payment_whose_answer_was_lost(self):
        path = "/v1/florin/connector_accounts"
        [account] = self.client.raw_request("get", path).data["data"]
        self.client.raw_request("post", f"{path}/{account['id']}", webhook_secret=SIGNS)
        self.processor.loses = 1
        open_ = self.pay()
        self.assertEqual(open_.status, "processing")
        told = {"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": self.there(open_)}}
        self.assertEqual(self.hear(account["id"], told, "whsec_somebody_elses"), 400)
        self.assertEqual(self.hear("cna_nobodys", told), 404)
        self.assertEqual(self.client.v1.payment_intents.retrieve(open_.id).status, "processing")
        for _ in range(2):
            self.assertEqual(self.hear(account["id"], told), 200)
        self.assertEqual(self.client.v1.payment_intents.retrieve(open_.id).status, "succeeded")
        kept = self.client.raw_request("get", "/v1/florin/connector_webhooks").data["data"]
        self.assertEqual([(one["type"], one["status"]) for one in kept], [("payment_intent.succeeded", "processed")])

    def test_a_card_that_is_refused_there_is_declined_here(self):
        refused = {"type": "card", "card": {**CARD, "number": "4000000000000341"}}
        with self.assertRaises(stripe.CardError) as declined:
            self.pay(payment_method_data=refused)
        self.assertEqual(declined.exception.code, "card_declined")

    def test_a_lost_answer_is_found_and_nothing_is_paid_twice(self):
        self.processor.loses = 1
        open_ = self.pay()
        self.assertEqual(open_.status, "processing")
        for _ in range(180):
            found = self.client.v1.payment_intents.retrieve(open_.id)
            if found.status != "processing":
                break
            time.sleep(0.5)
        self.assertEqual(found.status, "succeeded")
        self.assertEqual(self.there(open_)["amount_received"], 2000)


class Routing(unittest.TestCase):
    """Two accounts at processors of their own: one has an outage, and is well again."""

    @classmethod
    def setUpClass(cls):
        cls.processors = [Localstripe(), Localstripe()]
        for processor in cls.processors:
            cls.addClassCleanup(processor.stop)
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        cls.account = cls.server.account("Routing")
        cls.client = cls.server.stripe(cls.account["secret_key"])
        cls.accounts = []
        for place, processor in enumerate(cls.processors):
            connected = {"connector": "stripe", "secret_key": f"sk_test_5{place}localstripe", "base_url": processor.url}
            made = cls.client.raw_request("post", "/v1/florin/connector_accounts", **connected)
            cls.accounts.append(made.data["id"])
        document = {"default": {"priority": cls.accounts}, "max_attempts": 2}
        assert cls.client.raw_request("post", "/v1/florin/routing", **document).data["version"] == 1
        time.sleep(6)

    def pay(self):
        card = {"payment_method_data": {"type": "card", "card": CARD}, "payment_method_types": ["card"]}
        paid = self.client.v1.payment_intents.create({"amount": 2000, "currency": "usd", "confirm": True, **card})
        [attempt] = self.server.query("SELECT connector_account AS at FROM attempts WHERE payment_intent = ?", paid.id)
        return paid.status, self.accounts.index(attempt["at"])

    def hops(self, client):
        """How often a payment went to each store and to the processor, by its Server-Timing; what is kept is warm by then."""
        for _ in range(2):
            card = {"payment_method_data": {"type": "card", "card": CARD}, "payment_method_types": ["card"]}
            paid = client.v1.payment_intents.create({"amount": 2000, "currency": "usd", "confirm": True, **card})
        self.assertEqual(paid.status, "succeeded")
        return dict(re.findall(r'(\w+);dur=[\d.]+;desc="(\d+)"', paid.last_response.headers["server-timing"]))

    def test_a_payment_that_is_routed_makes_no_hop_more_than_one_that_is_not(self):
        plain = self.server.stripe(self.server.account("Plain")["secret_key"])
        at_simulator = self.hops(plain)
        connected = {"connector": "stripe", "secret_key": SECRET, "base_url": self.processors[1].url}
        plain.raw_request("post", "/v1/florin/connector_accounts", **connected)
        # An isolate remembers for so long that there was none.
        time.sleep(6)
        routed = self.hops(self.client)
        self.assertEqual(routed, self.hops(plain))
        self.assertEqual(routed, {**at_simulator, "psp": "1"})

    def until(self, expected):
        """Pays once in a second until a payment ends as expected, and says after how many."""
        for count in range(60):
            if self.pay() == expected:
                return count
            time.sleep(1)
        self.fail(f"never {expected}")

    def test_an_outage_is_steered_away_from_and_back_again(self):
        # What went well just before does not hide it.
        for _ in range(20):
            self.assertEqual(self.pay(), ("succeeded", 0))
            time.sleep(0.5)
        self.processors[0].is_down = True
        met = self.until(("succeeded", 1))
        self.assertGreaterEqual(met, 1, "nobody knows of an outage before somebody has met it")
        self.assertLessEqual(met, 25, "it is steered away from within seconds")
        # What it never did is found out there, and not made again at the other.
        [open_] = self.server.query("SELECT COUNT(*) AS count FROM attempts WHERE state = 'started'")
        self.assertGreaterEqual(open_["count"], 1)
        self.processors[0].is_down = False
        self.until(("succeeded", 0))
        steady = 0
        for _ in range(60):
            steady = steady + 1 if self.pay() == ("succeeded", 0) else 0
            if steady == 8:
                break
            time.sleep(1)
        self.assertEqual(steady, 8, "all payments go there again")


if __name__ == "__main__":
    unittest.main()
