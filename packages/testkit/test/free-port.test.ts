import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort, isPortFree } from "../src/free-port.ts";
import { expectNoOpenHandles } from "../src/open-handles.ts";
import { startBlackHoleTarget } from "../src/tcp-targets.ts";
import { startSilentUdpTarget } from "../src/udp-targets.ts";

expectNoOpenHandles();

test("a free port can be bound for TCP and UDP on both loopbacks at once", async () => {
  const port = await freePort();
  await using tcp4 = await startBlackHoleTarget({ port });
  await using tcp6 = await startBlackHoleTarget({ port, host: "::1" });
  await using udp4 = await startSilentUdpTarget({ port });
  await using udp6 = await startSilentUdpTarget({ port, host: "::1" });
  for (const target of [tcp4, tcp6, udp4, udp6]) assert.equal(target.port, port);
});

test("a port that any of the four uses is not free", async () => {
  for (const host of ["127.0.0.1", "::1"] as const) {
    for (const start of [startBlackHoleTarget, startSilentUdpTarget]) {
      const port = await freePort();
      const target = await start({ host, port });
      assert.equal(await isPortFree(port), false, `${start.name} on ${host}`);
      await target.close();
      assert.equal(await isPortFree(port), true);
    }
  }
});

test("no number is given twice", async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, freePort));
  assert.equal(new Set(ports).size, 20);
});
