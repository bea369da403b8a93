#!/bin/bash
# prometheus.sh DIR: unpacks Prometheus and promtool into DIR. Debian 12's is 2.42; sid's is the 3.5 that the public tag stands for, and
# trixie's 2.53 is taken on the day when sid's no longer runs on this machine's libc.
set -euo pipefail
tree=$1
for suite in sid trixie; do
  rm -rf "${tree:?}"/*
  if "$(dirname "$0")/debian-packages.sh" "$suite" "$tree" prometheus promtool && "$tree/usr/bin/promtool" --version; then exit; fi
done
exit 1
