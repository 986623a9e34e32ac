#!/bin/sh
# The manual is well-formed, and tells of every verb, option of a verb and option of the configuration.
set -eu
cd "$1"
command -v mandoc >/dev/null || { echo "skip: no mandoc"; exit 77; }
status=0
for page in cmd/*.[18] config/*.5; do
	[ -e "$page" ] || continue
	mandoc -T lint -W warning "$page" || status=1
done
says() { # page, word
	mandoc -T ascii "$1" | sed 's/.\x08//g' | grep -qwF -e "$2" || { echo "$1 does not tell of $2"; status=1; }
}
for verb in $(sed -n 's/.*\[VERB_[A-Z]*\] = { "\([a-z]*\)".*/\1/p' src/core/command_table.c); do
	says cmd/pumakeeper.1 "$verb"
done
for option in $(sed -n "s/.*{ \"\([a-z]*\)\", '.',.*/\1/p" src/core/command_table.c); do
	says cmd/pumakeeper.1 "--$option"
done
exit $status
