#!/bin/sh
# systemd understands the unit we ship. Programs are named by where they will be installed, which is
# nowhere yet: only for this test they are /bin/true.
set -eu
command -v systemd-analyze >/dev/null || { echo "skip: no systemd-analyze"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
sed -E 's,^(Exec[A-Za-z]*=)[^ ]+,\1/bin/true,; /^Documentation=/d' "$1/systemd/pumakeeper@.service.in" \
	>"$dir/pumakeeper@lint.service"
said=$(systemd-analyze verify --man=no "$dir/pumakeeper@lint.service" 2>&1) || { echo "$said"; exit 1; }
# It warns and succeeds about keys that it doesn't know.
said=$(echo "$said" | grep pumakeeper || true)
[ -z "$said" ] || { echo "$said"; exit 1; }
