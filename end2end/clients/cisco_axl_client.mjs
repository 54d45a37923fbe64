// Drives the simulator with the npm package cisco-axl, as an engineer's script would.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const url = new URL(process.argv[2]);
const AxlService = createRequire(new URL("../package.json", import.meta.url))("cisco-axl");
// The package knows port 8443 only; the simulator listens where it was told to.
const service = new AxlService(url.hostname, "axl-lockdown", "axl-demo", "14.0");
service._OPTIONS.endpoint = url.href;

const list = await service.executeOperation("listRoutePattern", {
  searchCriteria: { routePartitionName: "PT-PSTN-INTL" },
  returnedTags: { pattern: "", routePartitionName: "", blockEnable: "" },
});
const rows = list.routePattern ?? list;
assert.equal(rows.length, 2, JSON.stringify(list));
assert.equal(rows[0].pattern, "9.011!");

const uuid = rows[0].uuid ?? rows[0].attributes?.uuid ?? rows[0].$?.uuid;
await service.executeOperation("updateRoutePattern", { uuid, blockEnable: "true" });
const got = await service.executeOperation("getRoutePattern", { uuid });
assert.equal((got.routePattern ?? got).blockEnable, "true", JSON.stringify(got));
console.log("  cisco-axl: listed, wrote and read back");
