"""Payments through Hyperswitch on workerd: what stands in for it keeps its own truth, answers as it does on the wire, and
holds each request against the schemas that Hyperswitch publishes."""

import json
import time
import unittest

import stripe
from kit.hyperswitch import CHALLENGED, DECLINED, Hyperswitch, delivery, signature
from kit.server import Server
from kit.serving import Request, send

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}
SECRET = "snd_0123456789abcdef"
SIGNS = "the_response_hash_key_of_the_profile"

# A request that nobody recorded is looked at after so many seconds.
RECOVERY = 61


class ThroughHyperswitch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.told = []
        cls.processor = Hyperswitch(lambda _, kind, made: cls.told.append((kind, made)))
        cls.addClassCleanup(cls.processor.stop)
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        cls.client = cls.server.stripe(cls.server.account("Hyperswitch")["secret_key"])
        connected = {"connector": "hyperswitch", "secret_key": SECRET, "base_url": cls.processor.url, "webhook_secret": SIGNS}
        made = cls.client.raw_request("post", "/v1/florin/connector_accounts", **connected)
        cls.path = f"/connectors/hyperswitch/webhooks/{made.data['id']}"
        # An isolate remembers for so long that there was none.
        time.sleep(6)

    def tearDown(self):
        self.assertEqual(self.processor.faults_of_its_own(), [], "each request is as Hyperswitch wants it")

    def pay(self, number=CARD["number"], **changes):
        card = {"payment_method_data": {"type": "card", "card": {**CARD, "number": number}}, "payment_method_types": ["card"]}
        return self.client.v1.payment_intents.create({"amount": 2000, "currency": "usd", "confirm": True, **card, **changes})

    def there(self, intent):
        """The payment as the processor knows it."""
        [attempt] = self.server.query("SELECT id FROM attempts WHERE payment_intent = ? AND kind = 'authorize'", intent.id)
        ours = [paid for paid in self.processor.payments() if paid["metadata"]["florin_key"] == attempt["id"]]
        # What was begun and refused stays there.
        [found] = [paid for paid in ours if paid["status"] != "requires_payment_method"]
        return found

    def until(self, intent, status):
        """Waits until a payment is so."""
        for _ in range(600):
            found = self.client.v1.payment_intents.retrieve(intent.id)
            if found.status == status:
                return
            time.sleep(0.1)
        self.fail(f"{intent.id} is {found.status}")

    def test_a_payment_is_made_and_given_back_in_part(self):
        billing = {"name": "Grace Hopper", "email": "grace@example.com", "address": {"line1": "1 Main Street", "country": "US"}}
        card = {"type": "card", "card": CARD, "billing_details": billing}
        paid = self.pay(payment_method_data=card)
        self.assertEqual((paid.status, self.there(paid)["amount_received"]), ("succeeded", 2000))
        refund = self.client.v1.refunds.create({"payment_intent": paid.id, "amount": 500})
        self.assertEqual(refund.status, "succeeded")
        with self.assertRaises(stripe.InvalidRequestError):
            self.client.v1.refunds.create({"payment_intent": paid.id, "amount": 1501})
        back = [made["amount"] for made in self.processor.refunds() if made["payment_id"] == self.there(paid)["payment_id"]]
        self.assertEqual(back, [500])

    def test_a_decline_that_comes_with_200_is_one(self):
        with self.assertRaises(stripe.CardError) as declined:
            self.pay(DECLINED)
        self.assertEqual(declined.exception.error.decline_code, "insufficient_funds")

    def test_what_is_held_is_taken_in_part_or_let_go_of(self):
        option = {"card": {"request_incremental_authorization": "if_available"}}
        held = self.pay(capture_method="manual", payment_method_options=option)
        self.assertEqual((held.status, self.there(held)["status"]), ("requires_capture", "requires_capture"))
        more = self.client.v1.payment_intents.increment_authorization(held.id, {"amount": 2500})
        self.assertEqual((more.amount_capturable, self.there(held)["amount_capturable"]), (2500, 2500))
        taken = self.client.v1.payment_intents.capture(held.id, {"amount_to_capture": 700})
        self.assertEqual((taken.status, taken.amount_received), ("succeeded", 700))
        self.assertEqual((self.there(held)["status"], self.there(held)["amount_received"]), ("partially_captured", 700))
        held = self.pay(capture_method="manual")
        self.assertEqual(self.client.v1.payment_intents.cancel(held.id).status, "canceled")
        self.assertEqual(self.there(held)["status"], "cancelled")

    def test_a_card_that_its_customer_keeps_is_paid_with_by_what_is_remembered(self):
        customer = self.client.v1.customers.create({"name": "Grace Hopper"})
        kept = self.pay(customer=customer.id, setup_future_usage="off_session")
        token = self.there(kept)["payment_method_id"]
        again = {"amount": 700, "currency": "usd", "confirm": True, "off_session": True, "payment_method_types": ["card"]}
        again.update(customer=customer.id, payment_method=kept.payment_method)

        def pay():
            paid = self.client.v1.payment_intents.create(again)
            self.assertEqual(paid.status, "succeeded")
            made = self.there(paid)
            return made["payment_method_id"], made["payment_id"][:4], made["amount_received"]

        self.addCleanup(setattr, self.processor, "takes_cards", True)
        self.assertEqual(pay(), (token, "pay_", 700))
        self.processor.takes_cards = False
        self.assertEqual(pay(), (None, "pan_", 700))
        self.processor.takes_cards = True
        self.processor.forget_cards()
        self.assertEqual(pay(), (None, "pay_", 700))

    def test_a_card_without_its_code_was_sent_and_refused_there(self):
        bare = {"payment_method_data": {"type": "card", "card": {name: CARD[name] for name in CARD if name != "cvc"}}}
        before = len(self.processor.asked)
        with self.assertRaises(stripe.InvalidRequestError) as refused:
            self.pay(**bare)
        self.assertIn("cvc", str(refused.exception))
        self.assertEqual(len(self.processor.asked), before)

    def test_the_reason_of_a_void_and_a_long_description_are_what_it_takes(self):
        held = self.pay(capture_method="manual", description="d" * 1000)
        self.client.v1.payment_intents.cancel(held.id)
        self.assertEqual(self.there(held)["cancellation_reason"], "requested_by_customer")

    def test_where_it_goes_and_what_its_holder_reads_of_it_are_told(self):
        address = {"line1": "1 Main Street", "city": "Springfield", "state": "IL", "postal_code": "62701", "country": "US"}
        paid = self.pay(shipping={"name": "Grace Hopper", "address": address}, statement_descriptor_suffix="ORDER 1701")
        self.assertEqual(paid.status, "succeeded")
        there = self.there(paid)
        self.assertEqual(there["billing_descriptor"], {"statement_descriptor_suffix": "ORDER 1701"})
        sent = {name: text for name, text in there["shipping"]["address"].items() if text is not None}
        name = " ".join(sent.pop(part) for part in ("first_name", "last_name") if part in sent)
        self.assertEqual((name, sent.pop("zip")), ("Grace Hopper", address.pop("postal_code")))
        self.assertEqual(sent, address)

    def lost(self):
        """A payment whose answer was lost; of a card that is kept there, so that its client need not ask again."""
        customer = self.client.v1.customers.create({"name": "Grace Hopper"})
        kept = self.pay(customer=customer.id, setup_future_usage="off_session")
        again = {"amount": 2000, "currency": "usd", "confirm": True, "off_session": True, "payment_method_types": ["card"]}
        again.update(customer=customer.id, payment_method=kept.payment_method)
        self.processor.loses = 1
        open_ = self.client.v1.payment_intents.create(again)
        self.assertEqual(open_.status, "processing")
        return open_

    def test_a_lost_answer_is_found_again_and_nothing_is_paid_twice(self):
        open_ = self.lost()
        self.server.advance(RECOVERY)
        self.until(open_, "succeeded")
        self.assertEqual(self.there(open_)["amount_received"], 2000)

    def test_a_request_whose_id_is_taken_is_looked_up(self):
        before = len(self.processor.payments())
        self.processor.loses = 1
        paying = {"idempotency_key": "lost once"}
        body = {"amount": 2100, "currency": "usd", "confirm": True, "payment_method_types": ["card"]}
        body["payment_method_data"] = {"type": "card", "card": CARD}
        with self.assertRaises(stripe.APIError):
            self.client.v1.payment_intents.create(body, paying)
        self.assertEqual(self.client.v1.payment_intents.create(body, paying).status, "succeeded")
        self.assertEqual(len(self.processor.payments()), before + 1)

    def test_a_challenge_is_finished_on_the_page_of_the_processor(self):
        for succeeds in (True, False):
            shop = "https://shop.example.com/done"
            open_ = self.pay(CHALLENGED, return_url=shop)
            self.assertEqual(open_.status, "requires_action")
            there = self.there(open_)
            url = open_.next_action.redirect_to_url.url
            self.assertEqual(url, f"{self.processor.url}/payments/redirect/{there['payment_id']}")
            self.assertTrue(there["return_url"].startswith(f"{self.server.url}/challenges/"), there["return_url"])
            self.processor.finish_challenge(there["payment_id"], succeeds)
            path = there["return_url"].removeprefix(self.server.url)
            back = send(self.server.url, Request("GET", f"{path}?status=succeeded", {}, b""))
            self.assertIn(back.status, (302, 303))
            self.until(open_, "succeeded" if succeeds else "requires_payment_method")

    def hear(self, event, kind, made, secret=SIGNS):
        """Delivers what the processor told, and returns the status of the answer."""
        body = json.dumps(delivery(event, kind, made)).encode()
        headers = {"content-type": "application/json", **signature(secret, body)}
        return send(self.server.url, Request("POST", self.path, headers, body)).status

    def test_a_webhook_tells_of_a_payment_whose_answer_was_lost(self):
        open_ = self.lost()
        kind, made = self.told[-1]
        self.assertEqual((kind, made["payment_id"]), ("payment_succeeded", self.there(open_)["payment_id"]))
        self.assertEqual(self.hear("evt_1", kind, made, "somebody_elses_response_hash_key"), 400)
        self.assertEqual(self.client.v1.payment_intents.retrieve(open_.id).status, "processing")
        for _ in range(2):
            self.assertEqual(self.hear("evt_1", kind, made), 200)
        self.assertEqual(self.client.v1.payment_intents.retrieve(open_.id).status, "succeeded")


class StandIn(unittest.TestCase):
    """What stands in for Hyperswitch does not take what its schemas do not allow."""

    def test_a_request_that_the_schemas_do_not_allow_is_refused_and_kept_for_whoever_tests(self):
        processor = Hyperswitch()
        self.addCleanup(processor.stop)
        expiry = {"card_exp_month": "12", "card_exp_year": "2034"}
        card = {"card_number": CARD["number"], "card_holder_name": "", "card_cvc": "123", **expiry}
        right = {"payment_id": f"pay_{'a' * 26}", "amount": 2000, "currency": "USD", "confirm": True}
        right.update(payment_method="card", payment_method_data={"card": card})

        def ask(body):
            headers = {"api-key": SECRET, "content-type": "application/json"}
            answer = send(processor.url, Request("POST", "/payments", headers, json.dumps(body).encode()))
            return answer.status, json.loads(answer.body).get("error", {}).get("code")

        too_long = {"payment_id": f"pay_{'a' * 27}"}
        for change in ({"amount": "2000"}, {"currency": "usd"}, {"amout": 1}, too_long, {"capture_method": "later"}):
            self.assertEqual(ask({**right, **change}), (400, "IR_06"), change)
        self.assertEqual(len(processor.violations), 5)
        self.assertEqual(processor.payments(), [])
        self.assertEqual(ask(right), (200, None))
        self.assertEqual(ask(right), (400, "HE_01"))
        self.assertEqual(len(processor.violations), 5)

        # What it remembers is paid with by its customer alone, and only without its holder.
        made = iter(range(100))

        def anew(**changes):
            return ask({**right, "payment_id": f"pay_{next(made):026}", **changes})

        keeps = {"customer": {"id": "cus_1"}, "setup_future_usage": "off_session"}
        self.assertEqual(anew(**keeps, customer_acceptance={"acceptance_type": "offline"}), (200, None))
        self.assertEqual(anew(setup_future_usage="off_session"), (400, "IR_16"))
        [token] = [paid["payment_method_id"] for paid in processor.payments() if paid.get("payment_method_id")]
        by_token = {"customer": {"id": "cus_1"}, "off_session": True, "payment_method_data": None}
        by_token["recurring_details"] = {"type": "payment_method_id", "data": token}
        self.assertEqual(anew(**by_token), (200, None))
        self.assertEqual(anew(**{**by_token, "off_session": None}), (400, "IR_16"))
        self.assertEqual(anew(**{**by_token, "customer": {"id": "cus_2"}}), (400, "IR_16"))
        self.assertEqual(anew(off_session=True), (400, "IR_04"))
        # By the number alone in its holder's absence, and by the number and its code.
        by_network = {"card_number": CARD["number"], "card_holder_name": "", "network_transaction_id": "MCC123456789", **expiry}
        by_network = {"type": "network_transaction_id_and_card_details", "data": by_network}
        self.assertEqual(anew(off_session=True, payment_method_data=None, recurring_details=by_network), (200, None))
        for code in ("", "12", "12345"):
            self.assertEqual(anew(payment_method_data={"card": {**card, "card_cvc": code}}), (400, "IR_16"))
        self.assertEqual(anew(description="d" * 256), (500, "HE_00"))
        self.assertEqual(anew(profile_id="pro_1"), (400, "IR_04"))
        processor.takes_cards = False
        self.assertEqual(anew(**by_token), (400, "IR_39"))
        processor.forget_cards()
        self.assertEqual(anew(**by_token), (404, "HE_02"))
        self.assertEqual(len(processor.payments()), 5)
        self.assertEqual(len(processor.violations), 5)

        # What the processor behind does not take for a reason fails the payment, whose money is held on.
        self.assertEqual(anew(capture_method="manual"), (200, None))
        held = processor.payments()[-1]["payment_id"]
        headers = {"api-key": SECRET, "content-type": "application/json"}
        body = json.dumps({"cancellation_reason": "att_1"}).encode()
        answer = send(processor.url, Request("POST", f"/payments/{held}/cancel", headers, body))
        self.assertEqual(json.loads(answer.body)["status"], "failed")

    def test_a_read_is_held_against_what_may_be_asked_for_and_a_refund_is_looked_after_only_where_that_is_asked_for(self):
        processor = Hyperswitch()
        self.addCleanup(processor.stop)
        headers = {"api-key": SECRET, "content-type": "application/json"}

        def ask(method, path, body=None):
            answer = send(processor.url, Request(method, path, headers, json.dumps(body).encode() if body else b""))
            return answer.status, json.loads(answer.body).get("status")

        card = {"card_number": CARD["number"], "card_exp_month": "12", "card_exp_year": "2034"}
        card.update(card_holder_name="", card_cvc="123")
        payment, given = f"pay_{'a' * 26}", f"ref_{'a' * 26}"
        body = {"payment_id": payment, "amount": 2000, "currency": "USD", "confirm": True, "capture_method": "automatic"}
        body.update(payment_method="card", payment_method_data={"card": card})
        self.assertEqual(ask("POST", "/payments", body), (200, "succeeded"))
        processor.refunds_wait = True
        refund = {"refund_id": given, "payment_id": payment, "amount": 500, "metadata": {}}
        self.assertEqual(ask("POST", "/refunds", refund), (200, "pending"))
        self.assertEqual(ask("GET", f"/refunds/{given}?force_sync=true"), (200, "pending"))
        processor.refunds_wait = False
        # What it remembers is not what became of it.
        self.assertEqual(ask("GET", f"/refunds/{given}"), (200, "pending"))
        self.assertEqual(ask("GET", f"/refunds/{given}?force_sync=false"), (200, "pending"))
        self.assertEqual(ask("GET", f"/refunds/{given}?force_sync=true"), (200, "succeeded"))
        self.assertEqual(ask("GET", f"/refunds/{given}"), (200, "succeeded"))
        self.assertEqual(ask("GET", f"/payments/{payment}?force_sync=true&expand_captures=true"), (200, "succeeded"))
        self.assertEqual(processor.violations, [])
        wrong = [f"/payments/{payment}?forcesync=true", f"/payments/{payment}?force_sync=yes", f"/refunds/{given}?expand_captures=true"]
        for path in [*wrong, f"/payments/{payment}/capture", "/refunds"]:
            self.assertEqual(ask("GET", path), (400, None), path)
        self.assertEqual(len(processor.violations), 5)


if __name__ == "__main__":
    unittest.main()
