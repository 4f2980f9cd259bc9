# lib.sh: what check-systemd and check-deb share: a booted Debian, from the program systemd-testbed (in $TESTBED, or
# where the Makefile has found it).  Source it at the root of the sources.
set -u
failed=0
BED_NAME=jobd-$$
up=

# What jobd's package depends on: a testbed has no network, so it is made with them.
common=libsqlite3-0,libcjson1,libpcre2-8-0,libinih1,libncursesw6,tzdata,dbus-user-session
needs_of() {
	case $1 in
	bookworm) echo $common,libevent-core-2.1-7,libevent-extra-2.1-7,libcurl4,libssl3 ;;
	trixie) echo $common,libevent-core-2.1-7t64,libevent-extra-2.1-7t64,libcurl4t64,libssl3t64,python3-varlink ;;
	esac
}

# leave WORDS: nothing can be tested here.
leave() {
	echo "skip  $*"
	exit 0
}

# bed_choose SUITE BACKEND: what `bed` means from now on.
bed_choose() {
	bed_suite=$1 bed_backend=$2
}

bed() {
	"$TESTBED" --suite "$bed_suite" --backend "$bed_backend" --name "$BED_NAME-$bed_suite-$bed_backend" \
		--packages "$(needs_of "$bed_suite")" "$@"
}

bed_up() {
	bed up || return
	up="$up $bed_suite/$bed_backend"
}

bed_down() {
	for b in $up; do
		bed_choose "${b%/*}" "${b#*/}"
		bed down
	done
}

# inside SCRIPT...: run them in the testbed.
inside() {
	for script in "$@"; do
		echo "---- $bed_suite ($bed_backend): $script"
		bed exec "/root/inside/$script.sh" </dev/null || failed=1
	done
}

# repack DEB OUT SUFFIX [PROGRAM]: the package as a later version, for an upgrade; with a PROGRAM that does not start.
repack() {
	t=$(mktemp -d)
	dpkg-deb -R "$1" "$t/p"
	sed -i "s/^Version: .*/&$3/" "$t/p/DEBIAN/control"
	[ -z "${4:-}" ] || printf '#!/bin/sh\nexit 1\n' >"$t/p/$4"
	dpkg-deb --root-owner-group -b "$t/p" "$2" >/dev/null
	rm -rf "$t"
}

# Those that the scripts want beside $deb.
repack_all() {
	later=$(dirname "$deb")/next
	next=$later/jobd-next.deb broken=$later/jobd-broken.deb
	mkdir -p "$later"
	repack "$deb" "$next" +next
	repack "$deb" "$broken" +next1 usr/libexec/jobd/jobd-runner
}

bed_fill() {
	bed copy "$deb" /root/jobd.deb && bed copy "$next" /root/jobd-next.deb &&
		bed copy "$broken" /root/jobd-broken.deb &&
		bed copy tests/systemd/inside /root/inside
}

can_boot() {
	[ "$(id -u)" = 0 ] || leave "a system is booted by root alone"
	[ -x "${TESTBED:-}" ] || leave "there is no systemd-testbed here; TESTBED=PATH names one"
}
trap bed_down EXIT
trap 'exit 1' INT TERM
