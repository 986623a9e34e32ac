#!/bin/sh
# The README's map names no folder that isn't there.
set -eu
cd "$1"
status=0
named=$(sed -n '/^## The map/,/^## /p' README.md | grep -oE '^    ?[a-z]+[a-z/_]*/ ' | tr -d ' ' | sort -u)
[ -n "$named" ] || { echo "README.md has no map"; exit 1; }
for folder in $named; do
	[ -d "$folder" ] || { echo "README.md names $folder, which isn't there"; status=1; }
done
exit $status
