import assert from "node:assert/strict";
import { it } from "node:test";
import { AccessKey, Port } from "@shadowfleet/control-api";
import { eventually, freePort, startEchoTarget } from "@shadowfleet/testkit";
import { call, startManagement } from "../../services/management/test/management-fixture.ts";
import { relayConfig, startRelay } from "../../services/tcp-relay/test/relay-fixture.ts";
import { ShadowClient } from "../../services/tcp-relay/test/shadow-client.ts";
import { METHOD } from "./wires.ts";

it("an operator's change of a key's lists reaches the relay and ends what is open within a second", async () => {
  await using echo = await startEchoTarget();
  await using management = await startManagement();
  const { clients } = management;
  const port = await freePort();
  await call(clients.ports, "createPort", { port: Port.fromPartial({ port, host: "127.0.0.1", method: METHOD }) });
  const anna = { id: "anna", port, secret: "anna's secret" };
  await call(clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ ...anna, allowTargets: [echo.host] }) });
  const address = `127.0.0.1:${management.app.address.port}`;
  const fleet = { management: { address, insecure: true }, store: { type: "memory" }, memberId: "tcp-1" };
  await using relay = await startRelay(relayConfig({ fleet, allowPrivateTargets: false }));
  await eventually("the port", () => relay.app.boundPort(port) !== undefined);

  const target = { host: echo.host, port: echo.port };
  using client = await ShadowClient.open({ port, method: METHOD, secret: anna.secret, target, payload: Buffer.from("hello") });
  assert.equal((await client.receive(5)).toString(), "hello");
  const changedMs = performance.now();
  const denied = AccessKey.fromPartial({ id: "anna", denyTargets: ["127.0.0.0/8"] });
  await call(clients.keys, "updateAccessKey", { accessKey: denied, updateMask: ["deny_targets"] });
  assert.equal(await client.closed, "rst");
  assert.ok(performance.now() - changedMs < 1_000, `took ${Math.round(performance.now() - changedMs)} ms`);
  assert.equal((await relay.ended()).code, "TARGET_FORBIDDEN");
});
