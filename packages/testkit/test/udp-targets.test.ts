import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { DeadlineError } from "../src/deadline.ts";
import type { LoopbackHost } from "../src/loopback-server.ts";
import { expectNoOpenHandles } from "../src/open-handles.ts";
import { ResultQueue } from "../src/result-queue.ts";
import { bindUdp, closeUdp, startManySourceUdpTarget, startSilentUdpTarget, startUdpEchoTarget } from "../src/udp-targets.ts";

expectNoOpenHandles();

async function openClient(t: TestContext, host: LoopbackHost) {
  const socket = await bindUdp({ host });
  t.after(() => closeUdp(socket));
  const answers = new ResultQueue<{ text: string; port: number; host: string }>();
  socket.on("message", (payload, sender) => answers.push({ text: payload.toString("latin1"), port: sender.port, host: sender.address }));
  return { socket, answers };
}

for (const host of ["127.0.0.1", "::1"] as const) {
  test(`echo on ${host}, up to the largest datagram`, async (t) => {
    await using target = await startUdpEchoTarget({ host });
    const { socket, answers } = await openClient(t, host);
    for (const text of ["hello", "", "x".repeat(65_507 - (host === "::1" ? 20 : 0))]) {
      socket.send(text, target.port, host);
      assert.deepEqual(await answers.next("an echo"), { text, port: target.port, host });
      assert.deepEqual(await target.received(), { payload: Buffer.from(text), host, port: socket.address().port });
    }
    assert.equal(target.receivedPackets, 3);
  });
}

test("many sources: answers come from every other port and never from the target's", async (t) => {
  await using target = await startManySourceUdpTarget(3);
  const { socket, answers } = await openClient(t, "127.0.0.1");
  socket.send("who", target.port, "127.0.0.1");
  const ports = [];
  for (let i = 0; i < 3; i++) {
    const { text, port } = await answers.next("an answer");
    assert.equal(text, "who");
    ports.push(port);
  }
  assert.deepEqual(ports.toSorted(), [...target.sourcePorts].toSorted());
  assert.equal(new Set([...ports, target.port]).size, 4);
  await assert.rejects(answers.next("a fourth answer", 30), DeadlineError);
});

test("silent: receives, answers nothing", async (t) => {
  await using target = await startSilentUdpTarget();
  const { socket, answers } = await openClient(t, "127.0.0.1");
  socket.send("anyone?", target.port, "127.0.0.1");
  assert.equal((await target.received()).payload.toString(), "anyone?");
  await assert.rejects(answers.next("an answer", 30), DeadlineError);
  await assert.rejects(target.received(10), DeadlineError);
});

test("close frees the port, sources included, and can be called again", async () => {
  const target = await startManySourceUdpTarget(2);
  await Promise.all([target.close(), target.close()]);
  await target.close();
  for (const port of [target.port, ...target.sourcePorts]) {
    const socket = await bindUdp({ host: "127.0.0.1", port });
    const closed = once(socket, "close");
    socket.close();
    await closed;
  }
});
