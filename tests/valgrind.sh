#!/bin/sh
# Runs a unit test under valgrind, for `meson test --wrapper`. Debian 12's valgrind doesn't know
# pidfd_open: a program that needs it can't be judged here, which is a skip (77) and not a failure.
# What valgrind itself finds (99) is a failure always.
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
status=0
valgrind -q --log-file="$log" --error-exitcode=99 --leak-check=full \
	--errors-for-leak-kinds=definite "$@" || status=$?
unknown=$(sed -n 's/.*unhandled [^ ]* syscall: \([0-9]*\)/\1/p' "$log" | sort -u | tr '\n' ' ')
if [ "$status" -ne 0 ] && [ "$status" -ne 99 ] && [ -n "$unknown" ]; then
	echo "skip: this valgrind doesn't know syscall $unknown"
	exit 77
fi
grep -v -e 'WARNING: unhandled' -e 'own handler' -e README_MISSING -e 'a bug' -e bug_reports "$log" >&2
exit "$status"
