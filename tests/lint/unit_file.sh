#!/bin/sh
# systemd understands the units that we ship, alone and with all that hardening.conf offers, and finds
# them no more exposed than they were: what it would take away from an app that does everything is
# little, on purpose. Programs are named by where they will be installed, which is nowhere yet: only
# for this test they are /bin/true.
set -eu
readonly plain_exposure=95 hard_exposure=30 # at most, in tenths; 100 is everything
command -v systemd-analyze >/dev/null || { echo "skip: no systemd-analyze"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
status=0
unit() { # suffix
	sed -E 's,^(Exec[A-Za-z]*=[-+!:@|]*)[^ ]+,\1/bin/true,; /^Documentation=/d' \
		"$source/systemd/pumakeeper@.$1.in" >"$dir/pumakeeper@lint.$1"
}
drop_in() { # suffix
	mkdir "$dir/pumakeeper@lint.$1.d"
	cat >"$dir/pumakeeper@lint.$1.d/drop-in.conf"
}
verify() { # words
	said=$(systemd-analyze verify --man=no "$dir/pumakeeper@lint.service" "$dir/pumakeeper@lint.socket" 2>&1) ||
		status=1
	# It warns and succeeds about keys that it doesn't know.
	said=$(echo "$said" | grep pumakeeper || true)
	[ -z "$said" ] || { echo "$1: $said"; status=1; }
}
exposure() { # words, tenths at most
	said=$(systemd-analyze security --offline=true --threshold="$2" --no-pager \
		"$dir/pumakeeper@lint.service" 2>&1) || { echo "$1: more exposed than ${2%?}.${2#"${2%?}"}"; status=1; }
	echo "$1: exposure $(echo "$said" | sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p') of 10"
}
source=$1
unit service
unit socket
printf '[Socket]\nListenStream=127.0.0.1:3000\n' | drop_in socket
verify "as they are"
exposure "pumakeeper@.service" "$plain_exposure"
# Its own comments are sentences: only what is commented out has a key and no blank before it.
sed -E 's/^#([A-Z][A-Za-z]*=)/\1/' "$source/systemd/hardening.conf" | drop_in service
verify "with hardening.conf"
exposure "with all of hardening.conf" "$hard_exposure"
exit $status
