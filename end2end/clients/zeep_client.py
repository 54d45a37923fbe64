"""Drives the simulator with zeep and Cisco's WSDL: both sides of every message are checked by it."""

import sys

import requests
import urllib3
import zeep

wsdl, url = sys.argv[1:3]
urllib3.disable_warnings()
session = requests.Session()
session.verify = False
session.trust_env = False
session.auth = ("axl-lockdown", "axl-demo")
client = zeep.Client(wsdl, transport=zeep.Transport(session=session, timeout=10))
axl = client.create_service("{http://www.cisco.com/AXLAPIService/}AXLAPIBinding", url)

assert axl.getCCMVersion()["return"]["componentVersion"]["version"].startswith("15.")

tags = {"pattern": "", "routePartitionName": "", "blockEnable": False}
rows = axl.listRoutePattern(searchCriteria={"routePartitionName": "PT-PSTN-LD"}, returnedTags=tags)
rows = rows["return"]["routePattern"]
assert [row["pattern"] for row in rows] == ["9.1[2-9]XX[2-9]XXXXXX", "9.0[2-9]XX[2-9]XXXXXX"], rows

axl.updateRoutePattern(uuid=rows[0]["uuid"], blockEnable="true")
got = axl.getRoutePattern(uuid=rows[0]["uuid"])["return"]["routePattern"]
assert got["blockEnable"] == "true" and got["destination"]["routeListName"]["_value_1"] == "RL-PSTN", got

css = axl.getCss(name="CSS-FORWARD")["return"]["css"]
members = sorted(css["members"]["member"], key=lambda member: int(member["index"]))
names = [member["routePartitionName"]["_value_1"] for member in members]
assert names[0] == "PT-EMERGENCY", names
axl.updateCss(
    uuid=css["uuid"],
    members={"member": [{"routePartitionName": n, "index": i + 1} for i, n in enumerate(reversed(names))]},
)
css = axl.getCss(name="CSS-FORWARD")["return"]["css"]
assert css["clause"].split(":") == list(reversed(names)), css["clause"]

axl.updateRoutePartition(name="PT-LOCKDOWN-OUT", timeScheduleIdName="TS-OFFICE")
partition = axl.getRoutePartition(name="PT-LOCKDOWN-OUT")["return"]["routePartition"]
assert partition["timeScheduleIdName"]["_value_1"] == "TS-OFFICE", partition

try:
    axl.getRoutePattern(uuid="{00000000-0000-0000-0000-000000000000}")
    raise SystemExit("a missing pattern must be a fault")
except zeep.exceptions.Fault as fault:
    assert "was not found" in fault.message, fault.message

print("  zeep: listed, wrote and read back; faults are faults")
