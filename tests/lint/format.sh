#!/bin/sh
# C is written as .clang-format says. `./dev format` puts it right.
set -eu
cd "$1"
command -v clang-format >/dev/null || { echo "skip: no clang-format"; exit 77; }
find src cmd config tests -name '*.[ch]' -exec clang-format --dry-run -Werror {} +
