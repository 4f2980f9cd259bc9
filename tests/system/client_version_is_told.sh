#!/bin/sh
# --version is one line: the name and the version.
out=$("$BIN/jobctl" --version) || { echo "it fails"; exit 1; }
echo "$out" | grep -Eqx 'jobctl [0-9]+\.[0-9]+\.[0-9]+.*' || { echo "odd: $out"; exit 1; }
