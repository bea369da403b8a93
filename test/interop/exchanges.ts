import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import {
  type LoopbackHost,
  PseudoRandom,
  pseudoRandomSha256,
  socks5Associate,
  socks5Request,
  startEchoTarget,
  startSinkTarget,
  startSourceTarget,
  startUdpEchoTarget,
  withDeadline,
} from "@shadowfleet/testkit";

export const MIB = 1024 * 1024;
const WRITE_LENGTH = 64 * 1024;
const TRANSFER_DEADLINE_MS = 60_000;

/** A SOCKS5 server on loopback, ours or another's, behind which a Shadowsocks relay forwards. */
export interface Proxy {
  readonly host: string;
  readonly port: number;
}

async function open(proxy: Proxy, target: { readonly host: string; readonly port: number }): Promise<Socket> {
  const answer = await socks5Request({ proxy, target });
  assert.ok(answer.ok, `SOCKS5 reply ${answer.reply}`);
  return answer.socket;
}

/** Sends `length` pseudo-random bytes up; what the target received must have their hash. */
export async function uploadThrough(proxy: Proxy, length: number, host: LoopbackHost = "127.0.0.1"): Promise<void> {
  await using sink = await startSinkTarget({ host });
  const socket = await open(proxy, sink);
  const stream = new PseudoRandom(7);
  for (let left = length; left > 0; left -= WRITE_LENGTH) {
    if (!socket.write(stream.bytes(Math.min(left, WRITE_LENGTH)))) await once(socket, "drain");
  }
  socket.resume().end();
  const received = await sink.received(TRANSFER_DEADLINE_MS);
  socket.destroy();
  assert.deepEqual(received, { bytes: length, sha256: pseudoRandomSha256(7, length), end: "fin" });
}

/** Fetches `length` bytes down; what arrives must have the hash of what the target sent. */
export async function downloadThrough(proxy: Proxy, length: number, host: LoopbackHost = "127.0.0.1"): Promise<void> {
  await using source = await startSourceTarget({ bytes: length, seed: 11, host });
  const socket = await open(proxy, source);
  const hash = createHash("sha256");
  let bytes = 0;
  socket.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    hash.update(chunk);
  });
  await withDeadline(once(socket, "end"), TRANSFER_DEADLINE_MS, "the end of the download");
  socket.destroy();
  assert.equal(bytes, length);
  assert.equal(hash.digest("hex"), source.sha256);
}

/** Sends datagrams of several sizes through UDP ASSOCIATE to an echo; payload and source must come back. */
export async function udpEchoThrough(proxy: Proxy, host: LoopbackHost = "127.0.0.1"): Promise<void> {
  await using echo = await startUdpEchoTarget({ host });
  await using association = await socks5Associate({ proxy });
  const random = new PseudoRandom(13);
  for (const length of [1, 64, 512, 1200]) {
    const payload = random.bytes(length);
    association.send({ host: echo.host, port: echo.port }, payload);
    const answer = await association.receive();
    assert.deepEqual(answer.payload, payload);
    assert.deepEqual({ host: answer.source.host, port: answer.source.port }, { host: echo.host, port: echo.port });
  }
}

/** `count` connections at once, each with its own bytes to and from an echo. */
export async function manyAtOnceThrough(proxy: Proxy, count: number, length: number): Promise<void> {
  await using echo = await startEchoTarget();
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const socket = await open(proxy, echo);
      const sent = new PseudoRandom(1000 + index).bytes(length);
      const hash = createHash("sha256");
      let bytes = 0;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      socket.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        hash.update(chunk);
        if (bytes >= length) resolve();
      });
      socket.on("close", () => reject(new Error(`connection ${index} closed after ${bytes} of ${length} bytes`)));
      socket.write(sent);
      await withDeadline(promise, TRANSFER_DEADLINE_MS, `the echo of connection ${index}`);
      socket.destroy();
      assert.equal(hash.digest("hex"), createHash("sha256").update(sent).digest("hex"));
    }),
  );
}
