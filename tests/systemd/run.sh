#!/bin/sh
# run.sh DEB: the package in a booted Debian, under a real systemd: `make check-systemd`.  A boot serves many scripts of
# inside/.  Debian 13 (systemd 257) and Debian 12 (252) are containers on this kernel; and another Debian 12 has a kernel of
# its own, slow, for what needs one: limits, a reboot.  SUITES="trixie bookworm kernel" chooses.  OLDER=DEB: and that
# package is upgraded to this one.
cd "$(dirname "$0")/../.." || exit
. tests/systemd/lib.sh
can_boot
deb=$1
repack_all

go_client() {
	command -v go >/dev/null && [ -d /usr/share/gocode/src/github.com/varlink/go ] || return 0
	GO111MODULE=off GOPATH=/usr/share/gocode go build -o "$later/goclient" tests/systemd/goclient.go &&
		bed copy "$later/goclient" /root/goclient
}

# container SUITE
container() {
	bed_choose "$1" nspawn
	bed_up && bed_fill || { echo "FAIL  $1 boots"; failed=1; return; }
	bed exec mkdir -p /root/idl
	for f in proto/*.varlink; do
		bed copy "$f" /root/idl/
	done
	go_client
	inside install service clients user package
	older
}

# An older package that was built from an earlier commit.
older() {
	[ -n "${OLDER:-}" ] || return 0
	bed copy "$OLDER" /root/jobd-older.deb && inside older
}

boot_id() {
	TESTBED_EXEC_TIMEOUT=60 bed exec cat /proc/sys/kernel/random/boot_id </dev/null 2>/dev/null
}

# Ask for it, and wait until another boot answers.
reboot() {
	before=$(boot_id)
	# Not at once: whoever asks is told before that it was taken.
	bed exec systemd-run -q --on-active=2s systemctl --no-block reboot </dev/null
	for i in 1 2 3 4 5 6 7 8; do
		now=$(boot_id)
		[ -z "$now" ] || [ "$now" = "$before" ] || return 0
		sleep 5
	done
	echo "FAIL  Debian 12 boots again"
	failed=1
	return 1
}

kernel() {
	bed_choose bookworm uml
	export TESTBED_BOOT_TIMEOUT=400
	bed_up && bed_fill || { echo "FAIL  Debian 12 boots"; failed=1; return; }
	inside install limits before-reboot
	reboot && inside after-reboot
}

for suite in ${SUITES:-trixie bookworm kernel}; do
	case $suite in
	kernel) kernel ;;
	*) container "$suite" ;;
	esac
done
[ $failed = 0 ] && echo "systemd: all is well"
exit $failed
