import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { withDeadline } from "../src/deadline.ts";
import { isPortFree } from "../src/free-port.ts";
import { expectNoOpenHandles } from "../src/open-handles.ts";
import { peerMissingReason, startSsLocal, startSsServer } from "../src/peers/shadowsocks-libev.ts";
import { readExactly } from "../src/socket-reader.ts";
import { socks5Request } from "../src/socks-client.ts";
import { socks5Associate } from "../src/socks-udp-client.ts";
import { startEchoTarget } from "../src/tcp-targets.ts";
import { startManySourceUdpTarget, startUdpEchoTarget } from "../src/udp-targets.ts";

expectNoOpenHandles();

const skip = peerMissingReason() ?? false;
const KEY = { method: "chacha20-ietf-poly1305", password: "s3cret" };

async function echoThrough(t: TestContext, proxy: { host: string; port: number }, target: { host: string; port: number }): Promise<string> {
  const answer = await socks5Request({ proxy, target });
  t.after(() => answer.socket.destroy());
  assert.equal(answer.ok, true);
  answer.socket.write("hello");
  return (await readExactly(answer.socket, 5, 3_000, "the echo")).toString();
}

test("a pair of peers carries TCP to both families, and both are gone afterwards", { skip }, async (t) => {
  const ports: number[] = [];
  {
    await using server = await startSsServer({ ...KEY, host: "::1" });
    await using local = await startSsLocal({ ...KEY, server });
    ports.push(server.port, local.port);
    await using echo4 = await startEchoTarget();
    await using echo6 = await startEchoTarget({ host: "::1" });
    assert.equal(await echoThrough(t, local, echo4), "hello");
    assert.equal(await echoThrough(t, local, echo6), "hello");
    assert.match(server.program.output, /initializing ciphers/);
  }
  assert.deepEqual(await Promise.all(ports.map(isPortFree)), [true, true]);
});

test("a pair of peers carries UDP, from more than one source", { skip }, async () => {
  await using server = await startSsServer({ ...KEY, udp: true });
  await using local = await startSsLocal({ ...KEY, server, udp: true });
  await using echo = await startUdpEchoTarget();
  await using association = await socks5Associate({ proxy: local });
  association.send(echo, Buffer.from("dns?"));
  assert.deepEqual(await association.receive(), { source: { host: "127.0.0.1", port: echo.port }, payload: Buffer.from("dns?") });
  await using many = await startManySourceUdpTarget(2);
  association.send(many, Buffer.from("x"));
  const sources = [(await association.receive()).source.port, (await association.receive()).source.port];
  assert.deepEqual(sources.toSorted(), [...many.sourcePorts].toSorted());
  assert.equal(association.waiting, 0);
});

test("a wrong password carries nothing", { skip }, async (t) => {
  await using server = await startSsServer(KEY);
  await using local = await startSsLocal({ ...KEY, password: "other", server });
  await using echo = await startEchoTarget();
  await assert.rejects(withDeadline(echoThrough(t, local, echo), 1_000, "an echo"));
  assert.equal(echo.accepted, 0);
});

test("a peer that cannot start rejects with what it said", { skip }, async () => {
  await assert.rejects(startSsServer({ ...KEY, method: "no-such-cipher" }), /invalid cipher name/);
});
