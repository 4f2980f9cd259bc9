#!/bin/sh
# Who may not use the socket is told which group may, and gets 4.
dir=$(mktemp -d) || exit 1
trap 'chmod 700 "$dir/closed"; rm -rf "$dir"' EXIT
mkdir "$dir/closed"
chmod 755 "$dir"
chmod 000 "$dir/closed"
cp "$BIN/jobctl" "$dir/jobctl"

as=
if [ "$(id -u)" -eq 0 ]; then
	command -v setpriv >/dev/null || { echo "SKIP: needs setpriv (util-linux)"; exit 0; }
	as="setpriv --reuid 65534 --regid 65534 --clear-groups"
fi
out=$($as "$dir/jobctl" --socket "$dir/closed/io.jobd" list 2>&1)
code=$?
[ $code -eq 4 ] || { echo "exit $code instead of 4: $out"; exit 1; }
case $out in
*"group jobd"*) ;;
*) echo "the group is not named: $out"; exit 1 ;;
esac
