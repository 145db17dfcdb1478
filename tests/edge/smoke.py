import unittest
import urllib.error
import urllib.request

from kit.server import Server


class Smoke(unittest.TestCase):
    def test_the_worker_answers_and_keeps_accounts_over_a_kill(self):
        with Server() as server:
            account = server.account("Python")
            url = server.url
            server.kill9()
            with self.assertRaises(urllib.error.URLError):
                urllib.request.urlopen(url)
            server.restart()
            self.assertEqual(server.url, url)
            rows = server.query("SELECT name FROM accounts WHERE id = ?1", account["account"])
            self.assertEqual(rows, [{"name": "Python"}])


if __name__ == "__main__":
    unittest.main()
