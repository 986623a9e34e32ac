#!/bin/sh
# The manual is well-formed, and tells of every verb, option of a verb and option of the configuration.
set -eu
cd "$1"
command -v mandoc >/dev/null || { echo "skip: no mandoc"; exit 77; }
command_page=cmd/pumakeeper.1
file_page=$2/cmd/pumakeeper.yml.5
status=0
for page in "$command_page" cmd/pumakeeperd.8 "$file_page"; do
	mandoc -T lint -W warning "$page" || status=1
done
tells() { # page, word
	mandoc -T ascii "$1" | sed 's/.\x08//g' | grep -qwF -e "$2" || { echo "$1 does not tell of $2"; status=1; }
}
for verb in $(sed -n 's/.*\[VERB_[A-Z]*\] = { "\([a-z]*\)".*/\1/p' src/core/command_table.c); do
	tells "$command_page" "$verb"
done
for option in $(sed -n "s/.*{ \"\([a-z]*\)\", '.',.*/\1/p" src/core/command_table.c); do
	tells "$command_page" "--$option"
done
# The sample's keys, commented out or not: a comment's prose has a blank behind its #.
paths=$(sed -nE 's/^( *)#?([a-z_]+):( .*)?$/\1\2/p' config/pumakeeper.yml |
	awk '{ depth = match($0, /[a-z]/) - 1; name = substr($0, depth + 1)
		part[depth / 2] = name; path = part[0]
		for (i = 1; i <= depth / 2; i++) path = path "." part[i]
		print path }' | grep -F .)
[ "$(echo "$paths" | wc -l)" -gt 20 ] || { echo "config/pumakeeper.yml: few options found"; status=1; }
for path in $paths; do
	[ "$path" = app.probe ] || tells "$file_page" "$path"
done
exit $status
