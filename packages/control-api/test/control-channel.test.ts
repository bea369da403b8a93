import assert from "node:assert/strict";
import { promises as dns } from "node:dns";
import { test } from "node:test";
import { Client } from "@grpc/grpc-js";
import { controlChannel } from "../src/control-channel.ts";

test("a name of management is asked for its addresses, and not for a service configuration", async (t) => {
  const lookup = t.mock.method(dns, "lookup", async () => []);
  const resolveTxt = t.mock.method(dns, "resolveTxt", async () => []);
  const { address, credentials, options } = controlChannel({ address: "dns:///management.example:9190" });
  const client = new Client(address, credentials, options);
  const failed = await new Promise((resolve) => client.waitForReady(Date.now() + 200, resolve));
  client.close();
  assert.ok(failed instanceof Error);
  assert.ok(lookup.mock.callCount() > 0);
  assert.equal(resolveTxt.mock.callCount(), 0);
});
