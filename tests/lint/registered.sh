#!/bin/sh
# A test that meson doesn't know never fails: each file of tests must be named in tests/meson.build.
set -eu
cd "$1/tests"
status=0
named() { # file, the part of meson.build to look in
	name=$(basename "$1" | sed -E 's/^(test|fuzz)_//; s/(_test)?\.[a-z]+$//')
	echo "$2" | grep -qE "^ *'$name',?( |\$|\])|test\('$name'" ||
		{ echo "$1 is not in tests/meson.build"; status=1; }
}
tests=$(cat meson.build)
fuzzers=$(sed -n "/fuzzing/,\$p" meson.build)
for file in unit/test_*.c integration/*_test.rb lint/*.sh; do
	[ -e "$file" ] && named "$file" "$tests"
done
for file in fuzz/fuzz_*.c; do
	[ -e "$file" ] && named "$file" "$fuzzers"
done
exit $status
