import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { test } from "node:test";
import { bindEcho, until } from "./loopback.ts";
import { openClient, relayConfig, startRelay } from "./relay-fixture.ts";

/** Takes every descriptor there is. */
function exhaustDescriptors(): number[] {
  const taken: number[] = [];
  for (;;) {
    try {
      taken.push(openSync("/dev/null", "r"));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "EMFILE");
      return taken;
    }
  }
}

test("out of descriptors", async (t) => {
  const { port, clock, app } = await startRelay(t, relayConfig([{}]));
  const echo = await bindEcho(t);
  const [live, late] = [await openClient(t, { port: port(), clock }), await openClient(t, { port: port(), clock })];
  await live.ask("127.0.0.1", echo.address().port, "before");
  const taken = exhaustDescriptors();
  assert.ok(taken.length > 10);
  late.send("127.0.0.1", echo.address().port, "needs a socket");
  await until(() => app.counts.count("up", "OUT_OF_DESCRIPTORS") === 1);
  assert.equal(String((await live.ask("127.0.0.1", echo.address().port, "has one")).payload), "has one");
  for (const descriptor of taken) closeSync(descriptor);
  assert.equal(String((await late.ask("127.0.0.1", echo.address().port, "again")).payload), "again");
});
