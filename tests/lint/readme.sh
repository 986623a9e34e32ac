#!/bin/sh
# The README's map names no folder, and its table no file, that isn't there.
set -eu
cd "$1"
status=0
named=$(sed -n '/^## The map/,/^## /p' README.md | grep -oE '^    ?[a-z]+[a-z/_]*/ ' | tr -d ' ' | sort -u)
[ -n "$named" ] || { echo "README.md has no map"; exit 1; }
for folder in $named; do
	[ -d "$folder" ] || { echo "README.md names $folder, which isn't there"; status=1; }
done
for file in $(sed -n '/^## The map/,$p' README.md | grep -oE '`(src|cmd)/[a-z_/*]+\.[ch]`' | tr -d '`'); do
	ls $file >/dev/null 2>&1 || { echo "README.md names $file, which isn't there"; status=1; }
done
exit $status
