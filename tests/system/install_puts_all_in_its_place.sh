#!/bin/sh
# make install: what is installed, where, and that nothing is put beside DESTDIR; the settings of the administrator are kept.
. "$(dirname "$0")/lib.sh"
cd "$JOBD_SOURCE" || exit
root=$T/root
install() {
	packaging/install "$BIN" "$root" "$1" >"$T/out" 2>&1 || fail "install: $(cat "$T/out")"
}
there() {
	for path; do
		[ -s "$root$path" ] || fail "$path is not there"
	done
}
install /opt/j
check "the programs run" "$root/opt/j/bin/jobctl" --version >/dev/null
there /opt/j/bin/jobd /opt/j/libexec/jobd/jobd-runner /etc/jobd/jobd.conf /etc/jobd/runner.conf
there /opt/j/share/man/man1/jobctl.1 /opt/j/share/man/man1/jobctl-apply.1 /opt/j/share/man/man5/jobd.conf.5 \
	/opt/j/share/man/man5/job.5 /opt/j/share/man/man7/jobd-api.7 /opt/j/share/man/man8/jobd-runner.8
there /opt/j/share/bash-completion/completions/jobctl /opt/j/share/zsh/site-functions/_jobctl \
	/opt/j/share/fish/vendor_completions.d/jobctl.fish
there /usr/lib/sysusers.d/jobd.conf /usr/lib/tmpfiles.d/jobd.conf
units=$(find "$root" -name 'jobd*.service' -o -name 'jobd*.socket' -o -name 'jobd*.timer')
same "units of the system and of users" "$(echo "$units" | wc -l)" 7
check "each placeholder is filled in" sh -c '! grep -n "@[A-Z]*@" "$@"' - $units
for program in $(sed -n 's/^Exec[A-Za-z]*=\([^ ]*\/jobd[^ ]*\|[^ ]*\/jobctl\) .*/\1/p' $units | sort -u); do
	check "$program of a unit is installed" [ -x "$root$program" ]
done
check "the settings are without a mistake" "$root/opt/j/bin/jobd" --check-config --config "$root/etc/jobd/jobd.conf" >/dev/null
same "nothing else is on the top" "$(ls "$root" | tr '\n' ' ')" "$(ls "$root" | grep -x 'etc\|lib\|opt\|usr' | tr '\n' ' ')"

# Again, as an upgrade: programs are others, settings stay.
echo '# of the administrator' >>"$root/etc/jobd/runner.conf"
: >"$root/opt/j/bin/jobctl"
install /opt/j
check "the programs are there again" "$root/opt/j/bin/jobctl" --version >/dev/null
check "the settings are kept" grep -q 'of the administrator' "$root/etc/jobd/runner.conf"
