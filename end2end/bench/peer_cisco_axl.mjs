// What an engineer writes with the npm package cisco-axl: block every route pattern of a partition.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const url = new URL(process.argv[2]);
const AxlService = createRequire(new URL("../package.json", import.meta.url))("cisco-axl");
const service = new AxlService(url.hostname, "axl-lockdown", "axl-demo", "14.0");
service._OPTIONS.endpoint = url.href;

async function rows() {
  const list = await service.executeOperation("listRoutePattern", {
    searchCriteria: { routePartitionName: "PT-MANY" },
    returnedTags: { pattern: "", routePartitionName: "", blockEnable: "" },
  });
  return list.routePattern ?? list;
}

for (const row of await rows()) {
  const uuid = row.uuid ?? row.attributes?.uuid;
  await service.executeOperation("updateRoutePattern", { uuid, blockEnable: "true" });
}
assert((await rows()).every((row) => row.blockEnable === "true"));
