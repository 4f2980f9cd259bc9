#!/bin/sh
# run.sh DEB: the package, as whoever installs it meets it: `make check-deb`.  It is built again elsewhere, under another
# name, mask, zone and language, and must be the same, byte for byte; then it is installed, upgraded, removed and
# purged in a clean root, with what it depends on from the archive.  Under a running systemd the same is done by
# tests/systemd/inside/package.sh.
cd "$(dirname "$0")/../.." || exit
. tests/systemd/lib.sh
deb=$1
out=${deb%/*}

check() {
	sentence=$1
	shift
	if "$@"; then
		echo "ok    $sentence"
	else
		echo "FAIL  $sentence"
		failed=1
	fi
}

again() {
	rm -rf "$out/again"
	(umask 027; env TZ=Asia/Kathmandu LANG=C LC_ALL=C HOME=/nonexistent packaging/deb "$out/again" >"$out/again.log" 2>&1) &&
		cmp "$deb" "$out/again/${deb##*/}"
}

# The root is thrown away afterwards; it takes what is in a repository, so there is one with the packages in it.
clean_root() {
	t=$(mktemp -d)
	cp "$deb" "$t/jobd.deb"
	cp "$next" "$t/jobd-next.deb"
	cp tests/deb/root.sh "$t/"
	git -C "$t" init -q
	git -C "$t" add -A
	git -C "$t" -c user.name=check -c user.email=check@localhost commit -q -m packages
	"$FRESH_ROOT" --from "$t" sh root.sh </dev/null || failed=1
	rm -rf "$t"
}

booted() {
	bed_choose trixie nspawn
	bed_up && bed_fill || { echo "FAIL  Debian 13 boots"; failed=1; return; }
	inside install package
}

check "built again elsewhere it has the same bytes" again
repack_all
if [ "$(id -u)" != 0 ] || [ ! -x "${FRESH_ROOT:-}" ]; then
	echo "skip  in a clean root: that needs root and the program fresh-root; FRESH_ROOT=PATH names it"
else
	clean_root
fi
if [ "$(id -u)" != 0 ] || [ ! -x "${TESTBED:-}" ]; then
	echo "skip  under a running systemd: that needs root and the program systemd-testbed; TESTBED=PATH names it"
else
	booted
fi
[ $failed = 0 ] && echo "deb: all is well"
exit $failed
