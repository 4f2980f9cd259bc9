#!/bin/sh
# The demo, with a tenth of its waits: nine jobs succeed, and each way has its row; one that cannot be measured says
# so, the table comes all the same, and the demo fails.
. "$(dirname "$0")/lib.sh"
unset JOBD_SOCKET
demo=$(dirname "$0")/../demo
"$demo/demo.sh" "$BIN" 0.1 >"$T/out" 2>&1 || fail "the demo: $(cat "$T/out")"
table() { sed -n '/ wall /,$p' "$T/out"; }
for way in serially "toy loop" "jobd's engine" "jobd, nine jobs"; do
	check "a row for $way" grep -Eq "^$way.* [0-9.]+ s +[0-9.]+ ms +[0-9]+ +[0-9]+$" "$T/out"
done
! command -v python3 >/dev/null || check "a row for asyncio" grep -Eq "^Python asyncio .* [0-9.]+ s " "$T/out"
same "succeeded" "$(sed -n '/^How they ended/,/^Now/p' "$T/out" | grep -c '	finished		.*	ok	')" 9
# The thread sanitizer starts one of its own.
case $BIN in *san-thread*) ;; *) same "threads of jobd" "$(table | awk '/^jobd, nine jobs/ { print $NF }')" 2 ;; esac

# A python3 that is none.
mkdir "$T/bin"
printf '#!/bin/sh\nexit 3\n' >"$T/bin/python3"
chmod +x "$T/bin/python3"
PATH=$T/bin:$PATH "$demo/demo.sh" "$BIN" 0.1 >"$T/out" 2>&1
same "exit code with a broken row" $? 1
check "it says so" grep -Eq '^Python asyncio +failed$' "$T/out"
check "the table comes" grep -Eq '^jobd, nine jobs .* [0-9.]+ s ' "$T/out"
