#!/usr/bin/env python3
"""How a user meets the settings: ./weir.yaml is found, mistakes are explained, nothing starts half."""
import pathlib
import subprocess
import tempfile
import unittest

import weir_process

BAD = """
server:
  prot: 1234
routes:
  auto:
    weak: p/a
    stong: p/b
"""


def in_folder(folder, *arguments):
    return subprocess.run([weir_process.BIN, *arguments], cwd=folder, capture_output=True, text=True,
                          timeout=60, env=weir_process.CLEAN)


class Settings(unittest.TestCase):
    def test_weir_yaml_of_the_working_folder_is_read(self):
        with tempfile.TemporaryDirectory() as folder:
            before = in_folder(folder, "check")
            self.assertEqual(before.returncode, 0, before.stderr)
            pathlib.Path(folder, "weir.yaml").write_text(BAD)
            after = in_folder(folder, "check")
            self.assertEqual(after.returncode, 1)
            self.assertIn("weir.yaml:3", after.stderr)

    def test_every_mistake_is_named_with_line_key_and_suggestion(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "other.yaml").write_text(BAD)
            for command in ("check", "serve"):
                out = in_folder(folder, command, "--config", "other.yaml")
                self.assertEqual(out.returncode, 1)
                self.assertIn("other.yaml:3: server: unknown key 'prot'; did you mean 'port'?", out.stderr)
                self.assertIn("unknown key 'stong'; did you mean 'strong'?", out.stderr)

    def test_missing_file_and_unset_variable_are_named(self):
        with tempfile.TemporaryDirectory() as folder:
            out = in_folder(folder, "serve", "--config", "nowhere.yaml")
            self.assertEqual(out.returncode, 1)
            self.assertIn("nowhere.yaml", out.stderr)
            pathlib.Path(folder, "weir.yaml").write_text(
                "providers:\n  p:\n    dialect: openai\n    base_url: http://127.0.0.1:1/v1\n"
                "    api_key: ${NOT_SET_ANYWHERE}\n")
            out = in_folder(folder, "check")
            self.assertEqual(out.returncode, 1)
            self.assertIn("weir.yaml:5", out.stderr)
            self.assertIn("NOT_SET_ANYWHERE", out.stderr)

    def test_a_default_route_and_its_threshold_stand_once(self):
        with tempfile.TemporaryDirectory() as folder:
            out = in_folder(folder, "check").stdout
            self.assertEqual(out.count("route auto:"), 1, out)
            self.assertEqual(out.count("threshold"), 1, out)
        with weir_process.Server("serve") as server:
            server.stop()  # by then everything is written
            printed = server.log()
        self.assertEqual(printed.count("route auto:"), 1, printed)
        self.assertEqual(printed.count("lr router"), 1, printed)
        self.assertNotIn("strong at a score", printed)

    def test_second_server_on_a_port_or_a_folder_says_so(self):
        with weir_process.Server("serve") as server:
            other = weir_process.run("serve", "--port", server.port, "--state", server.folder / "b")
            self.assertEqual(other.returncode, 1)
            self.assertIn(f"127.0.0.1:{server.port} is in use", other.stderr)
            other = weir_process.run("serve", "--port", 0, "--state", server.state)
            self.assertEqual(other.returncode, 1)
            self.assertIn("in use by another running weir", other.stderr)

    def test_an_address_that_others_reach_needs_keys(self):
        out = weir_process.run("serve", "--address", "0.0.0.0", "--port", 0)
        self.assertEqual(out.returncode, 1)
        self.assertIn("weir keys new", out.stderr)

    def test_a_dead_provider_is_a_502_in_the_clients_shape_and_an_error_in_the_report(self):
        with weir_process.Server("serve", config="""
providers:
  p: {dialect: openai, base_url: "http://127.0.0.1:1/v1", api_key: none, max_retries: 0}
routes:
  auto: {weak: p/gpt-4o-mini, strong: p/gpt-4o}
""") as server:
            status, headers, body = server.post("/v1/chat/completions", weir_process.chat("hello there"))
            self.assertEqual(status, 502)
            self.assertEqual(headers["x-should-retry"], "false")
            self.assertIn("Connection refused", body["error"]["message"])
            status, headers, body = server.post("/v1/messages", weir_process.message("hello there"))
            self.assertEqual((status, body["type"]), (502, "error"))
            self.assertEqual(server.stop(), 0)
            self.assertEqual([r["outcome"] for r in server.rows()], ["error", "error"])


if __name__ == "__main__":
    unittest.main()
