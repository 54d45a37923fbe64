#!/bin/sh
# An engineer's Friday on a machine with systemd: installed, filled in, started; then, under a lock, hung, killed,
# upgraded; and in the end the power goes, right after an order.
set -eu
. /mnt/words.sh

dpkg --install /mnt/first.deb
[ "$(state)" = inactive ] || fail "it started before it was filled in"
install --mode 0640 --owner root --group pstn-lockdown /mnt/lockdown.toml "$config"
lockdown clients add --name t --scope status:read,lock:enable,lock:release --json | sed -n 's/.*"key": *"\([^"]*\)".*/\1/p' > /root/key
[ -s /root/key ] || fail "no key was made"
installed=$(folders)
sync
held "installed, and not started before it is filled in"

systemctl enable --now pstn-lockdown
lockdown status >/dev/null
held "systemctl start waits until it answers"

status=/proc/$(pid)/status
grep -q 'Seccomp:.*2' "$status" || fail "no system call is refused to it"
grep -q 'NoNewPrivs:.*1' "$status" || fail "it could gain rights"
[ "$(stat --format %U "/proc/$(pid)")" = pstn-lockdown ] || fail "it runs as somebody else"
held "it runs as itself, without rights and with a filter on its system calls"

lockdown lock --key-file /root/key
is locked
held "so hardened it locks, to the end"

hung=$(pid)
kill -STOP "$hung"
soon "it is started anew" another_than "$hung"
is locked
[ "$(systemctl show --property NRestarts --value pstn-lockdown)" = 1 ] || fail "it was not the watchdog"
held "hung, it is started anew, and finds the lock"

killed=$(pid)
kill -KILL "$killed"
soon "it is started anew" another_than "$killed"
is locked
held "killed, it is started anew, and finds the lock"

before=$(pid)
dpkg --install /mnt/second.deb
another_than "$before" || fail "the upgrade did not start the new program"
is locked
held "upgraded under a lock, it finds the lock"

systemctl stop pstn-lockdown
[ "$(systemctl show --property Result --value pstn-lockdown)" = success ] || fail "it did not stop well"
systemctl start pstn-lockdown
[ "$(folders)" = "$installed" ] || fail "the unit made other folders of $installed: $(folders)"
if journalctl --unit pstn-lockdown --grep 'mode is different'; then fail "package and unit disagree about a folder"; fi
held "stopped and started, and its folders are as the package made them"

lockdown release --key-file /root/key
is normal
lockdown lock --key-file /root/key
lockdown events verify >/dev/null || fail "the timeline does not fit together"
echo "events $(events)"
held "all of it; now the power goes"
echo b > /proc/sysrq-trigger
