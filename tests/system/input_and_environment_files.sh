#!/bin/sh
# Standard input and files of variables: opened at each start by the command's own process, with its user's rights; what is
# wrong with them fails the run with words. Values are not shown unless asked for.
. "$(dirname "$0")/lib.sh"
start_jobd
cd "$T" || exit 1
printf '# a comment\nA=from the file\nexport B="two \\"words\\""\nC=1\\\n2\n' >env
echo hello >in

same "all of it" "$(jobctl run --env-file env -e A=mine --stdin in --sh 'cat; echo "$A|$B|$C"')" "$(printf 'hello\nmine|two "words"|12')"
same "it is read at each start" "$(id=$(jobctl add -q --in 1h --env-file env --sh 'echo "$C"'); echo C=new >env
	jobctl trigger "$id" >/dev/null; jobctl wait "$id.1" --timeout 60s >/dev/null; jobctl logs "$id.1")" new
same "input from here" "$(echo typed | jobctl run --stdin - cat)" typed
printf 'a\0b\377' >bytes
jobctl run --stdin - cat <bytes >back
check "bytes that are no text" cmp bytes back
same "nothing" "$(jobctl run --stdin - wc -c </dev/null)" 0
head -c 70000 /dev/zero | jobctl run --stdin - wc -c 2>err
same "too much to send" $? 2
check "says what to do instead" grep -q 'stdin FILE' err
same "variables from here" "$(HERE=yes jobctl run --env-here -e X=1 --sh 'echo $HERE $X')" "yes 1"

refused() {	# code, word, jobctl run's arguments
	code=$1 word=$2
	shift 2
	timeout 60 "$BIN/jobctl" run "$@" >out 2>err
	same "exit code of $*" $? "$code"
	check "the reason of $*" grep -q -- "$word" err
	same "output of $*" "$(cat out)" ""
}
mkfifo fifo
echo 'no variable' >bad
printf '#!/no/such/interpreter -x\n' >script
chmod +x script
refused 125 'nothing-there' --env-file nothing-there true
refused 125 'bad:1: must be NAME=value' --env-file bad true
refused 125 'no regular file' --env-file fifo true
refused 125 'no regular file' --env-file /dev/zero true
refused 125 'nothing-there' --stdin nothing-there true
refused 125 'is a directory' --stdin / true
refused 127 'no program .nosuch. in PATH' --env-file env nosuch
refused 127 'interpreter ./no/such/interpreter., named in its first line' ./script
refused 127 'interpreter ./no/such/interpreter., named in its first line' --env-file env ./script
refused 126 'permission denied' --env-file env /etc/passwd
# Nobody writes to it: it waits, by itself, until its limit; others go on.
refused 124 'its limit of' --timeout 300ms --stdin fifo true
same "another meanwhile" "$(jobctl run echo fine)" fine
refused 124 'wrote nothing for 200ms' --idle-timeout 200ms --sh 'sleep 60'
same "output puts the idle limit off" "$(jobctl run --idle-timeout 2s --sh 'for i in 1 2 3; do sleep 0.2; echo $i; done' | wc -l)" 3

jobctl add -q --in 1h -n secret -e TOKEN=hidden --stdin - true <in >/dev/null
for option in '' --json; do
	jobctl show secret $option >shown
	check "the name is shown ($option)" grep -q 'TOKEN=' shown
	check "the value is not ($option)" [ "$(grep -c hidden shown)" = 0 ]
	check "nor is the input ($option)" [ "$(grep -c hello shown)" = 0 ]
	jobctl show secret --secrets $option >shown
	check "unless it is asked for ($option)" grep -q 'TOKEN=hidden' shown
	check "and so is the input ($option)" grep -q hello shown
done
jobctl add --dry-run -e TOKEN=hidden true >shown
check "a dry run shows what is sent" grep -q 'TOKEN=hidden' shown
check "what is in the file is not stored" [ "$(grep -ac 'from the file' "$T/state/jobd.db"* | grep -vc ':0$')" = 0 ]

# Another user's file is not read with root's rights.
if [ "$(id -u)" = 0 ] && id nobody >/dev/null 2>&1; then
	chmod 711 "$T"
	echo SECRET=root >"$T/private"
	chmod 600 "$T/private"
	refused 125 'ermission denied' -C / -u nobody --env-file "$T/private" true
	refused 125 'ermission denied' -C / -u nobody --stdin "$T/private" cat
else
	echo "SKIP: not root, or no user nobody: no other's file"
fi
stop_jobd
