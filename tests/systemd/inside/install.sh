#!/bin/sh
# The package is installed: what is there then.  Everything else stands on it.
. "$(dirname "$0")/say.sh"
check "the package is installed" dpkg -i /root/jobd.deb
for unit in jobd.service jobd-runner.service jobd.socket; do
	check "$unit runs after the installation" systemctl is-active "$unit"
	check "$unit starts at boot" systemctl is-enabled "$unit"
done
check "the metrics are left to whoever wants them" not systemctl is-enabled jobd-metrics.timer
check "the user's services are left to the user" not systemctl --global is-enabled jobd.service
check "systemd finds no fault with the units" systemd-analyze verify --man=no jobd.service jobd-runner.service jobd.socket
check "root may call it" jobctl list
check "the state is jobd's alone" same "$(stat -c '%U %a' /var/lib/jobd)" "jobd 700"
check "the runner's state is root's alone" same "$(stat -c '%U %a' /var/lib/jobd-runner)" "root 700"
check "the socket is for root and the group jobd" same "$(stat -c '%U %G %a' /run/jobd/io.jobd)" "jobd jobd 660"
check "the settings are without a mistake" jobd --check-config
check "the policy is without a mistake" /usr/libexec/jobd/jobd-runner --check-config
useradd -m -s /bin/sh alice
useradd -m -s /bin/sh bob
usermod -aG jobd alice
check "who is not in the group may not connect" same "$(su bob -c 'jobctl list >/dev/null 2>&1; echo $?')" 4
# Wanted by more than one script.
cat >/usr/local/bin/lines <<'X'
#!/bin/sh
# Count, a line each, until told to end.
i=0
while [ ! -e "$1" ]; do
	i=$((i + 1))
	echo $i
	sleep 0.05
done
X
chmod 755 /usr/local/bin/lines
finish
