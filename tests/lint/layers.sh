#!/bin/sh
# A folder may include only the folders named beside it. Prints each breach.
set -eu
cd "$1/src"
status=0
check() { # folder, allowed-regex
	bad=$(grep -srnE '#include "' --include='*.[ch]' "$1" | grep -vE "\"($2)/" || true)
	[ -z "$bad" ] || { echo "$1/ may not include: $bad"; status=1; }
}
only_in() { # header, folder-regex
	bad=$(grep -rlE "#include <$1>" --include='*.[ch]' . ../cmd | grep -vE "^(\./)?($2)/" || true)
	[ -z "$bad" ] || { echo "<$1> outside $2/: $bad"; status=1; }
}
check util   'util'
check core   'core|util'
check os     'os|util'
check daemon 'daemon|core|os|util'
check ../cmd 'cmd|daemon|core|os|util'
only_in ev.h daemon
only_in yaml.h core
# core decides and touches nothing: no clock, descriptor, environment, log or allocation of threads.
calls='time|clock_gettime|gettimeofday|fork|execve?|kill|open|openat|fopen|read|pread|write|printf|fprintf|socket|getenv|pthread_create'
bad=$(grep -nE "(^|[^A-Za-z0-9_>.])($calls)\(" core/*.c || true)
[ -z "$bad" ] || { echo "core/ must stay pure: $bad"; status=1; }
# Only daemon/ and cmd/ speak.
bad=$(grep -nE '\bf?printf\(|\bputs\(|\bperror\(' os/*.c util/*.c | grep -vE 's?n?printf\(buf|text_printf' || true)
[ -z "$bad" ] || { echo "os/ and util/ do not print: $bad"; status=1; }
# A daemon that runs never leaves by itself: only programs say exit.
bad=$(grep -nE '(^|[^_A-Za-z0-9>.])exit\(' core/*.c os/*.c util/*.c daemon/*.c 2>/dev/null || true)
[ -z "$bad" ] || { echo "only cmd/ exits: $bad"; status=1; }
# Every header compiles alone and says what it is.
for h in util/*.h core/*.h os/*.h daemon/*.h ../cmd/*/*.h; do
	[ -e "$h" ] || continue
	head -n 1 "$h" | grep -q '^/\*' || { echo "$h: opens with what the thing is"; status=1; }
	grep -q '^#pragma once' "$h" || { echo "$h: #pragma once"; status=1; }
	${CC:-cc} -std=gnu17 -D_GNU_SOURCE -fsyntax-only -x c -I . -I .. "$h" 2>/dev/null ||
		{ echo "$h does not compile alone"; status=1; }
done
exit $status
