#!/usr/bin/env bash
# Installs the Debian packages that a purpose needs and that are missing; prints nothing if none is.
#
#   tools/install_deps.sh [build|format|bench]
#
# This is the only list of packages. CI=true: no question is ever asked.
set -euo pipefail

declare -A packages=(
  [build]="g++ make cmake ninja-build pkg-config python3
           libdnnl-dev ocl-icd-opencl-dev libopenblas-dev libfmt-dev nlohmann-json3-dev libcli11-dev
           zlib1g-dev libpng-dev
           libgtest-dev libboost-math-dev libeigen3-dev
           dataset-fashion-mnist"
  [format]="clang-format-14"
  [bench]="python3-venv"
)

purpose=${1:-build}
if [ -z "${packages[$purpose]:-}" ]; then
  echo "install_deps: unknown purpose '$purpose'; one of: ${!packages[*]}" >&2
  exit 2
fi
read -ra wanted <<<"${packages[$purpose]//$'\n'/ }"

if ! command -v dpkg-query >/dev/null; then
  echo "install_deps: not a Debian system; what Debian calls ${wanted[*]} must be there" >&2
  exit 0
fi

installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "${wanted[@]}" 2>/dev/null || true)
missing=()
for package in "${wanted[@]}"; do
  grep -qx "ii $package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install_deps: run as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
  [ "${CI:-}" = true ] && as_root+=(-n)
fi

echo "install_deps: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 \
    -o Acquire::Retries=3 "$@" </dev/null >>"$log" 2>&1
}
if ! { apt update && apt install --no-install-recommends "${missing[@]}"; }; then
  cat "$log" >&2
  echo "install_deps: apt-get failed; install by hand: ${missing[*]}" >&2
  exit 1
fi
