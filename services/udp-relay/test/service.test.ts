import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger, ManualClock, parseConfigText } from "@shadowfleet/runtime";
import { freePort, RecordingMetrics } from "@shadowfleet/testkit";
import { udpRelayService } from "../src/index.ts";
import { bindEcho } from "./loopback.ts";
import { openClient } from "./relay-fixture.ts";

const flags = { configFile: undefined, checkConfig: false, allowPrivateTargets: true, help: false, version: false };

test("the ancestor's config.json is served as it is, and its secrets stay out of the log", async (t) => {
  const [first, second] = [await freePort(), await freePort()];
  const file = {
    server: "127.0.0.1",
    method: "aes-256-gcm",
    port_password: { [first]: "swordfish one", [second]: "swordfish two" },
    timeout: 60,
  };
  const config = await udpRelayService.load(parseConfigText(JSON.stringify(file), "config.json"), flags);
  const lines: string[] = [];
  const logger = createLogger({ name: "udp-relay", level: "debug", destination: { write: (line) => lines.push(line) } });
  const clock = new ManualClock();
  const app = udpRelayService.createApp(config, { logger, metrics: new RecordingMetrics(), clock });
  t.after(() => app.drain(0));
  await app.start();
  const { ready, details } = app.readiness();
  assert.deepEqual([ready, details.ports], [true, "2 of 2 bound"]);
  const echo = await bindEcho(t);
  for (const [port, secret] of [
    [first, "swordfish one"],
    [second, "swordfish two"],
  ] as const) {
    const client = await openClient(t, { method: "aes-256-gcm", secret, port, clock });
    assert.equal(String((await client.ask("127.0.0.1", echo.address().port, "hello")).payload), "hello");
  }
  await app.drain(0);
  const ends = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === "UDP session ended");
  assert.deepEqual(
    ends.map(({ keyId, port, bytesUp, bytesDown }) => [keyId, port, bytesUp, bytesDown]),
    [
      [String(first), first, 5, 5],
      [String(second), second, 5, 5],
    ],
  );
  assert.ok(!lines.join("").includes("swordfish"));
});
