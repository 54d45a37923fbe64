#!/bin/sh
# The power is back.
set -eu
. /mnt/words.sh

until systemctl is-active --quiet pstn-lockdown; do sleep 1; done
is locked
[ "$(events)" -ge "$(cat /mnt/events)" ] || fail "of $(cat /mnt/events) events there are $(events)"
held "power back, it starts by itself, and remembers the order given right before"

dpkg --remove pstn-lockdown
if systemctl is-active --quiet pstn-lockdown; then fail "removed, it runs on"; fi
if systemctl is-enabled --quiet pstn-lockdown 2>/dev/null; then fail "removed, it would start again"; fi
dpkg --purge pstn-lockdown
[ ! -e /etc/pstn-lockdown ] || fail "purged, its secrets are left"
[ -n "$(ls /var/lib/pstn-lockdown)" ] || fail "purged, its timeline is gone"
held "removed and purged, and the timeline is kept"
