#!/usr/bin/env python3
"""The lint must be able to fail: each check is shown a small tree that breaks its rule."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

LINT = pathlib.Path(__file__).with_name("lint.py")
CLEAN = {
    "cmake/layers.cmake": "layer(base)\nlayer(text USES base)\n",
    "ARCHITECTURE.md": "`base` and `text`\n",
    "src/base/error.h": "// Errors.\n",
    "src/text/words.cc": '#include "base/error.h"\n',
}


def run_lint(files, *checks):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**CLEAN, **files}.items():
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
        result = subprocess.run([sys.executable, LINT, *checks], capture_output=True, text=True,
                                env={**os.environ, "WEIR_LINT_ROOT": folder})
        return result.returncode, result.stdout


class Lint(unittest.TestCase):
    def expect(self, files, check, words):
        status, out = run_lint(files, check)
        self.assertEqual(status, 1, out)
        self.assertIn(words, out)

    def test_clean_tree_passes_every_check(self):
        status, out = run_lint({})
        self.assertEqual(status, 0, out)

    def test_include_upwards_is_refused(self):
        self.expect({"src/base/error.cc": '#include "text/words.h"\n'}, "layers",
                    "base may not include text")

    def test_table_may_not_use_what_stands_below(self):
        self.expect({"cmake/layers.cmake": "layer(base USES text)\nlayer(text)\n"}, "layers",
                    "does not stand above it")

    def test_folder_outside_the_table_is_refused(self):
        self.expect({"src/extra/a.cc": "\n"}, "layers", "folder is missing")

    def test_long_function_is_refused_and_one_of_80_lines_is_not(self):
        body = "\n".join("  f();" for _ in range(78))
        status, out = run_lint({"src/base/a.cc": f"void g() {{\n{body}\n}}\n"}, "sizes")
        self.assertEqual(status, 0, out)
        self.expect({"src/base/a.cc": f"void g() {{\n{body}\n  f();\n}}\n"}, "sizes",
                    "function of 81 lines")

    def test_long_header_and_wide_line_are_refused(self):
        self.expect({"src/base/error.h": "//\n" * 401}, "sizes", "401 lines")
        self.expect({"src/base/a.cc": "x" * 101 + "\n"}, "sizes", "101 columns")

    def test_banned_names_are_refused(self):
        self.expect({"src/base/string_util.h": "//\n"}, "names", "banned word in the name: util")

    def test_unused_header_and_missing_chapter_are_refused(self):
        self.expect({"src/base/lonely.h": "//\n"}, "map", "included by nobody")
        self.expect({"ARCHITECTURE.md": "`base`\n"}, "map", "folder text has no chapter")

    def test_history_in_comments_and_machine_paths_are_refused(self):
        self.expect({"src/base/a.cc": "// This was previously wrong.\n"}, "comments", "previously")
        self.expect({"docs/a.md": "see /" + "work/main\n"}, "comments", "path of one machine")

    def test_co_await_behind_a_condition_is_refused(self):
        self.expect({"src/base/a.cc": "  while (a && b &&\n         co_await c()) {\n"}, "awaits",
                    "src/base/a.cc:1: co_await behind")

    def test_allowance_silences_one_finding_and_fails_when_stale(self):
        allow = "layers src/base/error.cc base may not include text\n"
        files = {"src/base/error.cc": '#include "text/words.h"\n', "tools/lint/allow.txt": allow}
        self.assertEqual(run_lint(files, "layers")[0], 0)
        self.expect({"tools/lint/allow.txt": allow}, "layers", "not needed any more")


if __name__ == "__main__":
    unittest.main()
