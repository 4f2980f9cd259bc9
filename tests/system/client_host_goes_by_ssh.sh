#!/bin/sh
# --host runs ssh with the same words but --host, quoted for the shell at the other end; what the jobctl there cannot say
# is said here: no ssh, no way to the host, no jobctl, another version.
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cat >"$dir/ssh" <<'END'
#!/bin/sh
for last; do host=$before; before=$last; done
echo "$host"
jobctl() { for word; do printf '[%s]' "$word"; done; echo; }
eval "$last"
END
chmod +x "$dir/ssh"

check() {
	want=$1
	shift
	out=$(PATH="$dir:$PATH" "$BIN/jobctl" "$@" </dev/null 2>&1)
	[ "$out" = "$want" ] || { echo "jobctl $*:"; echo " got  $out"; echo " want $want"; exit 1; }
}

check 'me@box
[list][--json]' --host me@box list --json
check 'me@box
[list][db-*]' list -Hme@box 'db-*'
check 'box
[add][-n][x][sh][-c][echo "$A" '"'b'"'; true][]' --host=box add -n x sh -c "echo \"\$A\" 'b'; true" ''
out=$(PATH="$dir:$PATH" "$BIN/jobctl" --host -oProxyCommand=x list 2>&1)
[ $? -eq 2 ] || { echo "an option as a host is not refused: $out"; exit 1; }

# Whoever is at the other end: there it is said, and here it is the exit code.
says() {
	code=$1 text=$2
	shift 2
	out=$("$@" </dev/null 2>&1)
	got=$?
	[ $got -eq "$code" ] || { echo "$*: exit $got, wanted $code: $out"; exit 1; }
	case $out in *"$text"*) ;; *) echo "$*: got '$out', wanted '$text'"; exit 1 ;; esac
}
there() {
	printf '#!/bin/sh\nfor last; do :; done\n%s\n' "$1" >"$dir/ssh"
	shift
	PATH="$dir:$PATH" "$BIN/jobctl" "$@"
}
says 5 "there is no ssh on this host" env PATH="$dir/nowhere" "$BIN/jobctl" -H box list
says 5 "ssh to box failed, as it says above" there 'echo "ssh: no route to host" >&2; exit 255' -H box list
says 5 "there is no jobctl on box" there 'exec sh -c "no-such-$last"' -H box list
says 3 "" there 'exit 3' -H box show x
# A command of one's own that is not there is another matter.
mkdir "$dir/bin"
printf '#!/bin/sh\n[ "$1" = --version ] || exit 127\nexec "%s" --version\n' "$BIN/jobctl" >"$dir/bin/jobctl"
chmod +x "$dir/bin/jobctl"
says 127 "" there 'PATH=$(dirname "$0")/bin:$PATH; eval "$last"' -H box run no-such-command
printf '#!/bin/sh\n[ "$1" = --version ] && echo jobctl 0.0.1 && exit 0\necho "jobctl: unknown option --new" >&2; exit 2\n' >"$dir/bin/jobctl"
says 2 "note: jobctl on box is 0.0.1, this one is" there 'PATH=$(dirname "$0")/bin:$PATH; eval "$last"' -H box list --kind http
