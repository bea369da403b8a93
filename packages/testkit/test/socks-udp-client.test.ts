import assert from "node:assert/strict";
import { test } from "node:test";
import { DeadlineError } from "../src/deadline.ts";
import { startTcpTarget } from "../src/loopback-server.ts";
import { expectNoOpenHandles } from "../src/open-handles.ts";
import { AssociateRefusedError, socks5Associate, unwrapDatagram, wrapDatagram } from "../src/socks-udp-client.ts";
import { startUdpEchoTarget } from "../src/udp-targets.ts";

expectNoOpenHandles();

/** A SOCKS5 proxy that answers any greeting and then any request as it was told. */
const startProxy = (answer: Buffer) =>
  startTcpTarget((socket) => {
    const answers = [Buffer.from([5, 0]), answer];
    socket.on("data", () => socket.write(answers.shift() ?? ""));
  });

test("datagrams are wrapped as RFC 1928 has it, and bad wrapping is refused", () => {
  const wrapped = wrapDatagram({ host: "8.8.8.8", port: 53 }, Buffer.from("dnsq"));
  assert.equal(wrapped.toString("hex"), "000000010808080800356 46e7371".replace(" ", ""));
  assert.deepEqual(unwrapDatagram(wrapped), { source: { host: "8.8.8.8", port: 53 }, payload: Buffer.from("dnsq") });
  assert.equal(wrapDatagram({ host: "8.8.8.8", port: 53 }, Buffer.alloc(0), 3)[2], 3);
  for (const hex of ["", "00000001", "0001000108080808003500", "0000010108080808003500", "00000009080808080035"]) {
    assert.throws(() => unwrapDatagram(Buffer.from(hex, "hex")), RangeError, hex);
  }
});

test("an association sends to the relay it was given and unwraps what comes back", async () => {
  await using relay = await startUdpEchoTarget();
  for (const address of [
    [127, 0, 0, 1],
    [0, 0, 0, 0],
  ]) {
    await using proxy = await startProxy(Buffer.from([5, 0, 0, 1, ...address, relay.port >> 8, relay.port & 0xff]));
    await using association = await socks5Associate({ proxy });
    assert.deepEqual(association.relay, { host: "127.0.0.1", port: relay.port });
    association.send({ host: "::1", port: 7 }, Buffer.from("x"));
    assert.deepEqual(await association.receive(), { source: { host: "::1", port: 7 }, payload: Buffer.from("x") });
    assert.equal((await relay.received()).port, association.localPort);
    association.sendRaw(Buffer.from("no wrapping"));
    assert.equal((await relay.received()).payload.toString(), "no wrapping");
    await assert.rejects(association.receive(), RangeError);
    await assert.rejects(association.receive(20), DeadlineError);
  }
});

test("a refusal rejects with the answer and leaves nothing open", async () => {
  await using proxy = await startProxy(Buffer.from([5, 7, 0, 1, 0, 0, 0, 0, 0, 0]));
  await assert.rejects(socks5Associate({ proxy }), (error: unknown) => error instanceof AssociateRefusedError && error.answer.reply === 7);
});
