"""What an engineer writes with zeep: block every route pattern of a partition, then read back."""

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
client = zeep.Client(wsdl, transport=zeep.Transport(session=session, timeout=20))
axl = client.create_service("{http://www.cisco.com/AXLAPIService/}AXLAPIBinding", url)
tags = {"pattern": "", "routePartitionName": "", "blockEnable": False}


def rows():
    answer = axl.listRoutePattern(searchCriteria={"routePartitionName": "PT-MANY"}, returnedTags=tags)
    return answer["return"]["routePattern"]


for row in rows():
    axl.updateRoutePattern(uuid=row["uuid"], blockEnable="true")
assert all(row["blockEnable"] == "true" for row in rows())
