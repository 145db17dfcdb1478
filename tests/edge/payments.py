import threading
import unittest

import stripe
from kit.server import Server

NO_REDIRECTS = {"enabled": True, "allow_redirects": "never"}
CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}


class Payments(unittest.TestCase):
    """Every endpoint once, with stripe-python."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        cls.account = cls.server.account("Python")
        cls.client = cls.server.stripe(cls.account["secret_key"])
        cls.v1 = cls.client.v1

    def pay(self, **changes):
        paid = {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
        return self.v1.payment_intents.create({**paid, "automatic_payment_methods": NO_REDIRECTS, **changes})

    def test_payment_intents(self):
        intents = self.v1.payment_intents
        created = intents.create({"amount": 1099, "currency": "eur", "automatic_payment_methods": NO_REDIRECTS})
        self.assertEqual(created.status, "requires_payment_method")
        updated = intents.update(created.id, {"metadata": {"order": "1"}, "description": "Ünïcode"})
        self.assertEqual(updated.metadata["order"], "1")
        confirmed = intents.confirm(created.id, {"payment_method": "pm_card_visa"})
        self.assertEqual(confirmed.status, "succeeded")
        retrieved = intents.retrieve(created.id, {"expand": ["latest_charge", "payment_method"]})
        self.assertEqual(retrieved.latest_charge.amount, 1099)
        self.assertEqual(retrieved.payment_method.card.brand, "visa")
        held = self.pay(capture_method="manual", payment_method_options={"card": {"request_incremental_authorization": "if_available"}})
        self.assertEqual(intents.increment_authorization(held.id, {"amount": 2500}).amount_capturable, 2500)
        self.assertEqual(intents.capture(held.id, {"amount_to_capture": 2400}).amount_received, 2400)
        canceled = intents.cancel(self.pay(capture_method="manual").id, {"cancellation_reason": "duplicate"})
        self.assertEqual(canceled.status, "canceled")
        listed = [intent.id for intent in intents.list({"limit": 2}).auto_paging_iter()]
        self.assertEqual(listed[0], canceled.id)
        self.assertEqual(len(listed), len(set(listed)))
        found = intents.search({"query": "metadata['order']:'1'"})
        self.assertEqual([intent.id for intent in found.data], [created.id])

    def test_declines_and_wrong_requests_raise_what_merchants_catch(self):
        with self.assertRaises(stripe.CardError) as declined:
            self.pay(payment_method="pm_card_visa_chargeDeclinedInsufficientFunds")
        error = declined.exception
        self.assertEqual((error.http_status, error.code), (402, "card_declined"))
        self.assertEqual(error.error.decline_code, "insufficient_funds")
        self.assertEqual(error.error.payment_intent.status, "requires_payment_method")
        with self.assertRaises(stripe.CardError) as wrong_cvc:
            self.pay(payment_method="pm_card_chargeDeclinedIncorrectCvc")
        self.assertEqual((wrong_cvc.exception.code, wrong_cvc.exception.param), ("incorrect_cvc", "cvc"))
        used = self.pay().payment_method
        with self.assertRaises(stripe.InvalidRequestError) as again:
            self.pay(payment_method=used)
        self.assertIn("It may not be used again", again.exception.user_message)
        with self.assertRaises(stripe.InvalidRequestError) as wrong:
            self.pay(amout=5)
        self.assertEqual(wrong.exception.user_message, "Received unknown parameter: amout")
        with self.assertRaises(stripe.InvalidRequestError) as missing:
            self.v1.payment_intents.retrieve("pi_missing")
        self.assertEqual(missing.exception.http_status, 404)
        with self.assertRaises(stripe.AuthenticationError):
            self.server.stripe("sk_test_wrong").v1.payment_intents.list()
        with self.assertRaises(stripe.PermissionError):
            self.server.stripe(self.account["publishable_key"]).v1.payment_intents.list()

    def test_one_key_is_one_payment(self):
        paid = {"amount": 700, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
        paid["automatic_payment_methods"] = NO_REDIRECTS
        client = self.server.stripe(self.account["secret_key"], max_network_retries=10)
        made = []

        def pay():
            made.append(client.v1.payment_intents.create(paid, {"idempotency_key": "python"}).id)

        threads = [threading.Thread(target=pay) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(made), 10)
        self.assertEqual(len(set(made)), 1)
        with self.assertRaises(stripe.IdempotencyError):
            self.v1.payment_intents.create({**paid, "amount": 701}, {"idempotency_key": "python"})

    def test_customers_and_their_payment_methods(self):
        customers, methods = self.v1.customers, self.v1.payment_methods
        customer = customers.create({"email": "grace@example.com", "name": "Grace"})
        self.assertEqual(customers.retrieve(customer.id).name, "Grace")
        self.assertEqual(customers.update(customer.id, {"metadata": {"a": "1"}}).metadata["a"], "1")
        method = methods.create({"type": "card", "card": CARD})
        self.assertEqual(methods.attach(method.id, {"customer": customer.id}).customer, customer.id)
        self.assertEqual(methods.retrieve(method.id).card.last4, "4242")
        self.assertEqual(methods.update(method.id, {"metadata": {"b": "2"}}).metadata["b"], "2")
        self.assertEqual([m.id for m in methods.list({"customer": customer.id}).data], [method.id])
        self.assertEqual([m.id for m in customers.payment_methods.list(customer.id).data], [method.id])
        self.assertEqual(customers.payment_methods.retrieve(customer.id, method.id).id, method.id)
        self.assertIsNone(methods.detach(method.id).customer)
        self.assertIn(customer.id, [c.id for c in customers.list({"email": "grace@example.com"}).data])
        self.assertEqual([c.id for c in customers.search({"query": "email:'grace@example.com'"}).data], [customer.id])
        self.assertTrue(customers.delete(customer.id).deleted)
        token = self.v1.tokens.create({"card": {**CARD, "exp_month": "12", "exp_year": "2034"}})
        self.assertFalse(self.v1.tokens.retrieve(token.id).used)

    def test_charges_and_refunds(self):
        charges, refunds = self.v1.charges, self.v1.refunds
        charge = charges.create({"amount": 3300, "currency": "usd", "source": "tok_visa", "capture": False})
        self.assertTrue(charges.capture(charge.id).captured)
        self.assertEqual(charges.update(charge.id, {"metadata": {"order": "c"}}).metadata["order"], "c")
        self.assertEqual(charges.list({"limit": 1}).data[0].id, charge.id)
        self.assertEqual([c.id for c in charges.search({"query": "metadata['order']:'c'"}).data], [charge.id])
        refund = refunds.create({"charge": charge.id, "amount": 1300})
        self.assertEqual(refunds.update(refund.id, {"metadata": {"r": "1"}}).metadata["r"], "1")
        self.assertEqual(refunds.retrieve(refund.id).status, "succeeded")
        self.assertEqual([r.id for r in refunds.list({"charge": charge.id}).data], [refund.id])
        with self.assertRaises(stripe.InvalidRequestError):
            refunds.cancel(refund.id)
        self.assertEqual(charges.retrieve(charge.id).amount_refunded, 1300)

    def test_events_and_the_account(self):
        intent = self.pay()
        events = self.v1.events.list({"type": "payment_intent.succeeded", "limit": 1})
        self.assertEqual(events.data[0].data.object["id"], intent.id)
        self.assertEqual(self.v1.events.retrieve(events.data[0].id).type, "payment_intent.succeeded")
        self.assertEqual(self.v1.accounts.retrieve_current().id, self.account["account"])


if __name__ == "__main__":
    unittest.main()
