"""Payments through a processor's account on workerd: localstripe is the processor, and keeps its own truth."""

import hashlib
import hmac
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode

import stripe
from kit.server import Server

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034}
SECRET = "sk_test_51localstripe"
SIGNS = "whsec_0123456789abcdef"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Localstripe:
    """localstripe behind a proxy that says what it does not, as Stripe does, and loses answers when told."""

    def __init__(self):
        self.port, self.keys, self.asked, self.loses = free_port(), {}, [], 0
        self.is_down = False
        command = [sys.executable, "-m", "localstripe", "--from-scratch", "--port", str(self.port)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, cwd=tempfile.mkdtemp(prefix="localstripe-"), **quiet)
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                break
            except OSError:
                time.sleep(0.05)
        outer = self

        class Proxy(BaseHTTPRequestHandler):
            def do_POST(self):
                fields = dict(parse_qsl(self.rfile.read(int(self.headers["content-length"] or 0)).decode()))
                outer.asked.append(("POST", self.path))
                if outer.is_down:
                    return self.reply(503, {"error": {"type": "api_error"}})
                key = self.headers["idempotency-key"]
                if key not in outer.keys:
                    outer.keys[key] = outer.change(self.path, fields, key)
                self.reply(*outer.keys[key])

            def do_GET(self):
                outer.asked.append(("GET", self.path))
                self.reply(*outer.read(self.path))

            def reply(self, status, body):
                if outer.loses > 0:
                    outer.loses -= 1
                    self.close_connection = True
                    return
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self._proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        self.url = f"http://127.0.0.1:{self._proxy.server_port}"
        threading.Thread(target=self._proxy.serve_forever, daemon=True).start()

    def stop(self):
        self._proxy.shutdown()
        self._proxy.server_close()
        self._process.terminate()
        self._process.wait()

    def ask(self, method, path, fields=()):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        headers = {"authorization": f"Bearer {SECRET}", "content-type": "application/x-www-form-urlencoded"}
        connection.request(method, path, urlencode(fields), headers)
        answer = connection.getresponse()
        status, body = answer.status, json.loads(answer.read())
        connection.close()
        return status, self.shown(body)

    def shown(self, body):
        """What localstripe leaves out of a payment."""
        if body.get("object") == "payment_intent":
            charge = body["latest_charge"] if isinstance(body["latest_charge"], dict) else None
            body["amount_received"] = charge["amount"] if charge and charge["captured"] else 0
            body["amount_capturable"] = body["amount"] if body["status"] == "requires_capture" else 0
        return body

    def change(self, path, fields, key):
        if path != "/v1/payment_intents":
            return self.ask("POST", path, fields)
        # localstripe makes the card on its own, and knows nothing of where its holder comes back to.
        prefix = "payment_method_data[card]"
        card = {name.removeprefix("payment_method_data"): text for name, text in fields.items() if name.startswith(prefix)}
        card = {f"card{name.removeprefix('[card]')}": text for name, text in card.items()}
        card.setdefault("card[cvc]", "123")
        status, method = self.ask("POST", "/v1/payment_methods", {"type": "card", **card})
        assert status == 200, method
        kept = ("amount", "currency", "confirm", "capture_method", "metadata[florin_key]")
        paid = {name: fields[name] for name in kept}
        return self.ask("POST", path, {**paid, "payment_method": method["id"], "expand[0]": "latest_charge"})

    def read(self, path):
        if not path.startswith("/v1/payment_intents/search"):
            return self.ask("GET", path)
        found = [payment for payment in self.payments() if payment["metadata"]["florin_key"] in path]
        return 200, {"object": "search_result", "data": found, "has_more": False}

    def payments(self):
        status, page = self.ask("GET", "/v1/payment_intents?limit=100&expand[0]=data.latest_charge")
        assert status == 200, page
        return [self.shown(payment) for payment in page["data"]]


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
        body, at = json.dumps(event).encode(), int(time.time())
        signature = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port)
        headers = {"stripe-signature": f"t={at},v1={signature}", "content-type": "application/json"}
        connection.request("POST", f"/connectors/stripe/webhooks/{account}", body, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

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

    def until(self, expected):
        """Pays once in a second until a payment ends as expected, and says after how many."""
        for count in range(60):
            if self.pay() == expected:
                return count
            time.sleep(1)
        self.fail(f"never {expected}")

    def test_an_outage_is_steered_away_from_and_back_again(self):
        self.assertEqual(self.pay(), ("succeeded", 0))
        self.processors[0].is_down = True
        met = self.until(("succeeded", 1))
        self.assertGreaterEqual(met, 1, "nobody knows of an outage before somebody has met it")
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
