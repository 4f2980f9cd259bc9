#!/bin/sh
# --host runs ssh with the same words but --host, quoted for the shell at the other end.
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
