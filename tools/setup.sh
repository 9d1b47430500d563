# Sourced by ./run and ./test: brings a bare Debian 12 machine to what a build needs.
# setup_packages SET...: installs the packages of tools/packages.txt that are missing or too old,
# and says so; silent and without network when nothing is missing.

setup_packages() {
  local list=tools/packages.txt missing=() name version set wanted=" $* "
  while read -r set name version; do
    case "$set" in ''|'#'*) continue ;; esac
    case "$wanted" in *" $set "*) ;; *) continue ;; esac
    local installed
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Version}' "$name" 2>/dev/null) || installed=""
    if [ "${installed%% *}" != installed ] ||
       ! dpkg --compare-versions "${installed#* }" ge "$version"; then
      missing+=("$name")
    fi
  done < "$list"
  [ ${#missing[@]} -eq 0 ] && return 0

  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "setup: these packages are missing, and neither root nor sudo is at hand:" >&2
      echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "setup: installing ${#missing[@]} Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
      --no-install-recommends "${missing[@]}" > build/setup.log 2>&1 || {
      echo "setup: apt-get failed; its last lines (all of them in build/setup.log):" >&2
      tail -n 15 build/setup.log >&2
      return 1
    }
}

# Only Debian 12 is known to work: its compiler and its libraries' versions are what the code is
# built and tested with.
require_debian_12() {
  local id="" release=""
  [ -r /etc/os-release ] && { id=$(. /etc/os-release; echo "${ID:-}"); release=$(. /etc/os-release; echo "${VERSION_ID:-}"); }
  [ "$id" = debian ] && [ "$release" = 12 ] && return 0
  echo "setup: this script knows Debian 12 only; here is ${id:-an unknown system} ${release}." >&2
  echo "       Elsewhere: install the packages of tools/packages.txt (or their like), then" >&2
  echo "       cmake --preset release -DWEIR_TESTS=OFF && cmake --build --preset release --target weir" >&2
  return 1
}

# A Python environment in .venv with exactly the packages of tools/requirements.txt.
setup_python() {
  local stamp=.venv/requirements.sha256 want
  want=$(sha256sum < tools/requirements.txt)
  [ -r "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && return 0
  echo "setup: making .venv from tools/requirements.txt"
  rm -rf .venv
  python3 -m venv .venv &&
    .venv/bin/pip install --quiet --require-hashes -r tools/requirements.txt &&
    echo "$want" > "$stamp"
}
