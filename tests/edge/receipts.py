"""The paper of a receipt, opened by a PDF reader."""

import io
import unittest
import urllib.request

from kit.server import Server
from pypdf import PdfReader

NO_REDIRECTS = {"enabled": True, "allow_redirects": "never"}


class Receipts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        cls.v1 = cls.server.stripe(cls.server.account("Café (Zürich) – “Ada’s”")["secret_key"]).v1

    def paid(self, **changes):
        payment = {"amount": 123456, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
        payment |= {"automatic_payment_methods": NO_REDIRECTS, "expand": ["latest_charge"], **changes}
        return self.v1.payment_intents.create(payment).latest_charge

    def read(self, charge):
        """The document, and the words on its pages."""
        with urllib.request.urlopen(f"{charge.receipt_url}/pdf") as answer:
            self.assertEqual(answer.headers["content-type"], "application/pdf")
            self.assertRegex(answer.headers["content-disposition"], r'^inline; filename="receipt-\d{4}-\d{4}\.pdf"$')
            document = PdfReader(io.BytesIO(answer.read()), strict=True)
        words = " ".join(page.extract_text() for page in document.pages)
        return document, " ".join(words.split())

    def test_the_words_are_those_of_the_page(self):
        document, words = self.read(self.paid(description="Tea (green) \\ 100 %"))
        self.assertEqual(document.metadata.title, "Receipt from Café (Zürich) – “Ada’s”")
        self.assertEqual(document.root_object["/Lang"], "en")
        self.assertEqual(len(document.pages), 1)
        for text in [
            "Test mode", "Receipt from Café (Zürich) – “Ada’s”", "$1,234.56 paid on", "Receipt number",
            "Visa ending in 4242", "Tea (green) \\ 100 %", "Description Amount", "100 % $1,234.56 Paid $1,234.56",
        ]:
            self.assertIn(text, words)

    def test_amounts_have_the_decimals_of_their_currency(self):
        for amount, currency, text in [(500, "jpy", "¥500"), (1500, "kwd", "1.500 KWD"), (999, "eur", "€9.99"), (999, "gbp", "£9.99")]:
            _, words = self.read(self.paid(amount=amount, currency=currency))
            self.assertIn(f"{text} paid on", words)

    def test_refunds_and_what_is_left_are_on_the_next_version(self):
        charge = self.paid()
        self.read(charge)
        for amount in [3456, 20000]:
            self.v1.refunds.create({"charge": charge.id, "amount": amount})
        _, words = self.read(charge)
        for text in ["-$34.56", "-$200.00", "Paid after refunds", "$1,000.00"]:
            self.assertIn(text, words)

    def test_a_long_description_is_on_several_pages_in_full(self):
        words = [f"word{number}" for number in range(150)]
        # A thousand letters are the most that a description may have; many refunds need the room, too.
        charge = self.paid(description=" ".join(words)[:1000], amount=90000)
        for _ in range(30):
            self.v1.refunds.create({"charge": charge.id, "amount": 100})
        document, read = self.read(charge)
        self.assertGreater(len(document.pages), 1)
        self.assertIn("word120", read)
        self.assertEqual(read.count("-$1.00"), 30)
        self.assertIn("$870.00", read)


if __name__ == "__main__":
    unittest.main()
