import assert from "node:assert/strict";
import { test } from "node:test";
import { startManagement } from "./management-fixture.ts";
import { ReflectedClient } from "./reflected-client.ts";

test("a client that knows nothing but reflection lists the services and creates an access key", async () => {
  await using fleet = await startManagement();
  using client = new ReflectedClient(`127.0.0.1:${fleet.app.address.port}`);
  const services = await client.listServices();
  const ours = services.filter((name) => name.startsWith("shadowfleet.v1.")).map((name) => name.slice("shadowfleet.v1.".length));
  assert.deepEqual(ours.sort(), [
    "AccessKeyService",
    "ConfigService",
    "EventService",
    "FleetService",
    "PortService",
    "SessionService",
    "TrafficService",
    "UpstreamService",
  ]);
  const created = await client.call("shadowfleet.v1.AccessKeyService", "CreateAccessKey", { access_key: { id: "reflected" } });
  assert.match(String(created.access_uri), /^ss:\/\//);
  const shown = await client.call("shadowfleet.v1.AccessKeyService", "GetAccessKey", { id: "reflected" });
  assert.deepEqual([(shown.access_key as { id: string }).id, (shown.access_key as { port: number }).port], ["reflected", 8388]);
});
