#!/bin/sh
# A test that meson doesn't know never fails: each file of tests must be named in tests/meson.build.
set -eu
cd "$1/tests"
status=0
for file in unit/test_*.c integration/*_test.rb lint/*.sh; do
	[ -e "$file" ] || continue
	name=$(basename "$file" | sed -E 's/^test_//; s/(_test)?\.[a-z]+$//')
	grep -qE "^ *'$name',?( |\$|\])|test\('$name'" meson.build || { echo "$file is not in tests/meson.build"; status=1; }
done
exit $status
