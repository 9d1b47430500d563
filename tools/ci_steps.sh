# Sourced by ./test --all: what needs more than the release build.

# Suites that the sanitizers run: everything that reads outside bytes or runs on several threads.
asan_suites="base_test text_test model_test http_test wire_test store_test policy_test upstream_test gateway_test config_test simulate_test"
tsan_suites="http_test store_test gateway_test"

sanitized() {  # sanitized PRESET SUITE...
  local preset=$1 targets=() names="" suite
  shift
  for suite in "$@"; do
    targets+=("$suite")
    names="$names|${suite%_test}\\."
  done
  if [ "$preset" = asan ]; then
    for suite in fuzz/*_fuzz.cc; do
      suite=$(basename "$suite" _fuzz.cc)
      targets+=("${suite}_replay")
    done
    names="$names|fuzz\\."
  fi
  build "$preset" -- "${targets[@]}" &&
    ctest --preset "$preset" -j2 -R "^(${names#|})"
}

check_format() {
  git ls-files -z 'src/*.cc' 'src/*.h' 'fuzz/*.cc' 'bench/*.cc' 'tests/*.cc' |
    xargs -0 clang-format-19 --dry-run --Werror
}

# clang-tidy over what the last commit changed (all of src/base when there is no commit before).
check_tidy() {
  local files
  files=$(git diff --name-only --diff-filter=d HEAD~1 -- 'src/*.cc' 2>/dev/null || git ls-files 'src/base/*.cc')
  files=$(printf '%s\n' $files | grep -v _test.cc || true)
  [ -n "$files" ] || { echo "no source changed in the last commit"; return 0; }
  build asan -- weir_base || return 1
  printf '%s\n' $files | xargs -P2 -n4 clang-tidy-19 -p build/asan --quiet
}

oracles() {
  .venv/bin/python tools/unicode/diff_tokenizers.py build/release/wordpiece_dump &&
    .venv/bin/python tests/python/oracle_lr.py build/release/weir &&
    .venv/bin/python tests/python/oracle_calibration.py build/release/weir &&
    .venv/bin/python tests/python/oracle_sw.py build/release/weir
}

clients() {
  local script
  for script in tests/clients/*_test.py; do
    echo "-- $script"
    .venv/bin/python "$script" || return 1
  done
}

setup_claude_code() {
  command -v node > /dev/null && command -v npm > /dev/null ||
    quietly build/node.log apt-get install -y --no-install-recommends nodejs npm || return 1
  local version=2.1.197 folder=build/claude-code
  [ -x "$folder/node_modules/.bin/claude" ] && return 0
  mkdir -p "$folder" &&
    quietly build/claude-code.log npm install --prefix "$folder" --no-audit --no-fund --ignore-scripts \
      "@anthropic-ai/claude-code@$version" &&
    (cd "$folder/node_modules/@anthropic-ai/claude-code" && quietly ../../../install.log node install.cjs)
}

run_ci_steps() {
  export WEIR_BIN="$PWD/build/release/weir" WEIR_BUILD="$PWD/build/release" PYTHONPATH="$PWD/tests/blackbox"
  step "set-up (Python)" setup_python
  step "oracles" oracles
  step "set-up (Claude Code)" setup_claude_code
  step "clients" clients
  step "format" check_format
  step "tests (ASan, UBSan)" sanitized asan $asan_suites
  step "tests (TSan)" sanitized tsan $tsan_suites
  step "tidy" check_tidy
}
