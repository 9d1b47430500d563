#!/usr/bin/env python3
"""Claude Code through weir on loopback: it gets its answer from the simulator, and is routed by the
user's own words, not by the 100 kB that it wraps around them."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import weir_process

CLAUDE = pathlib.Path(os.environ.get(
    "WEIR_CLAUDE", pathlib.Path(__file__).resolve().parents[2] / "build/claude-code/node_modules/.bin/claude"))
ROUTER = pathlib.Path(__file__).resolve().parents[2] / "models/default.weir"
QUESTION = "What is 17 + 25?"


class ClaudeCode(unittest.TestCase):
    def test_answers_through_weir_and_is_routed_by_the_users_words(self):
        self.assertTrue(CLAUDE.exists(), f"{CLAUDE} is missing; ./test --all installs it")
        with weir_process.Server("serve") as server, tempfile.TemporaryDirectory() as home:
            environment = {"PATH": os.environ["PATH"], "HOME": home, "TERM": "dumb",
                           "ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_AUTH_TOKEN": "none",
                           "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
            out = subprocess.run([CLAUDE, "-p", QUESTION, "--model", "auto"], capture_output=True, text=True,
                                 timeout=120, env=environment, cwd=home, stdin=subprocess.DEVNULL)
            self.assertEqual(out.returncode, 0, out.stdout + out.stderr + server.log())
            self.assertIn("42", out.stdout)
            server.stop()
            rows = [r for r in server.rows() if r["requested_model"] == "auto"]
            self.assertGreaterEqual(len(rows), 1)
            row = rows[-1]
            self.assertEqual((row["dialect"], row["outcome"]), ("anthropic", "ok"))
            # The score that was logged is the score of the user's words alone.
            alone = weir_process.run("route", "--router", ROUTER, "--json", QUESTION)
            self.assertEqual(alone.returncode, 0, alone.stderr)
            self.assertAlmostEqual(float(row["score"]), json.loads(alone.stdout)["prob_strong_needed"], 6)
            print(f"Claude Code: {len(rows)} request(s), score {row['score']}, {out.stdout.strip()[:60]!r}")


if __name__ == "__main__":
    unittest.main()
