# What both scripts say.
config=/etc/pstn-lockdown/lockdown.toml

lockdown() { pstn-lockdown "$@" --config "$config"; }
held() { echo "▸ $*"; }
fail() { echo "✗ $*"; journalctl --unit pstn-lockdown --no-pager | tail -n 40; exit 1; }
pid() { systemctl show --property MainPID --value pstn-lockdown; }
events() { lockdown events verify --json | sed -n 's/.*"events": *\([0-9]*\).*/\1/p'; }

# Whether it says so, as soon as it has looked at CUCM.
is() {
    tries=0
    until lockdown status | grep -q "$1"; do
        tries=$((tries + 1))
        [ "$tries" -lt 60 ] || fail "it is not $1: $(lockdown status)"
        sleep 1
    done
}

# Until another process serves than the one with this number.
until_other_than() {
    until [ "$(pid)" != "$1" ] && systemctl is-active --quiet pstn-lockdown; do sleep 1; done
}
