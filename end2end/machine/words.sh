# What both scripts say.
config=/etc/pstn-lockdown/lockdown.toml

lockdown() { pstn-lockdown "$@" --config "$config"; }
held() { echo "▸ $*"; }
fail() { echo "✗ $*"; journalctl --unit pstn-lockdown --no-pager | tail -n 40; exit 1; }
pid() { systemctl show --property MainPID --value pstn-lockdown; }
state() { systemctl show --property ActiveState --value pstn-lockdown; }
folders() { stat --format '%n %a %U %G' /etc/pstn-lockdown /var/lib/pstn-lockdown; }
events() { lockdown events verify --json | sed -n 's/.*"events": *\([0-9]*\).*/\1/p'; }

# Until it holds, for two minutes: `soon WHAT COMMAND…`.
soon() {
    what=$1
    shift
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 120 ] || fail "never came true: $what"
        sleep 1
    done
}

# Whether it says so, as soon as it has looked at CUCM.
says() { lockdown status | grep -q "$1"; }
is() { soon "it is $1" says "$1"; }

active() { [ "$(state)" = active ]; }

# Whether another process serves than the one with this number.
another_than() { [ "$(pid)" != "$1" ] && active; }
