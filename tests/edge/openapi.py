import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from kit.server import Server

# No answer of 5xx, and none that the description does not know. Whether a wrong request is refused is for the other
# tests: a form cannot say what a schema can (that 1 is a text). A method that a path does not have is answered with
# 404, as Stripe does, where schemathesis would have 405.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]

# Tries for each operation; a night may have more.
EXAMPLES = os.environ.get("FLORIN_SCHEMATHESIS_EXAMPLES", "40")


class OpenApi(unittest.TestCase):
    def test_no_input_that_schemathesis_finds_breaks_the_description(self):
        with Server() as server, tempfile.TemporaryDirectory() as folder:
            key = server.account("Schemathesis")["secret_key"]
            ended = subprocess.run(
                [
                    Path(sys.executable).parent / "st",
                    "run",
                    f"{server.url}/openapi.json",
                    f"--header=Authorization: Bearer {key}",
                    f"--checks={','.join(CHECKS)}",
                    "--phases=examples,coverage,fuzzing",
                    f"--max-examples={EXAMPLES}",
                    "--seed=1",
                    "--continue-on-failure",
                    "--generation-database=none",
                    "--request-timeout=30",
                    "--warnings=off",
                    "--no-color",
                ],
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            print(ended.stdout)
            self.assertEqual(ended.returncode, 0, ended.stdout[-4000:])
            # It must have reached what lies behind the parameters, and made something of which an event tells.
            made = server.query("SELECT count(*) AS made FROM events")[0]["made"]
            self.assertGreater(made, 0)


if __name__ == "__main__":
    unittest.main()
