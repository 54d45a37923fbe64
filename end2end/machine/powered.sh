#!/bin/sh
# The power is back.
set -eu
. /mnt/words.sh

soon "it starts by itself" active
is locked
lockdown events verify || fail "the timeline does not fit together"
# More by one at least: the start itself.
[ "$(events)" -gt "$(cat /mnt/events)" ] || fail "of $(cat /mnt/events) events there are $(events), with the start"
held "power back, it starts by itself, and remembers the order given right before"

dpkg --remove pstn-lockdown
[ "$(state)" = inactive ] || fail "removed, it runs on"
[ ! -L /etc/systemd/system/multi-user.target.wants/pstn-lockdown.service ] || fail "removed, it would start again"
dpkg --purge pstn-lockdown
[ ! -e /etc/pstn-lockdown ] || fail "purged, its secrets are left"
[ -s /var/lib/pstn-lockdown/lockdown.db ] || fail "purged, its timeline is gone"
held "removed and purged, and the timeline is kept"
