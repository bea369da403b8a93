import assert from "node:assert/strict";
import { once } from "node:events";
import { systemEnvironment } from "@shadowfleet/runtime";
import { eventually, type LoopbackTarget, openSocket } from "@shadowfleet/testkit";
import { addressFrom, type Credential, createClientStream, FAILED } from "@shadowfleet/wire";

/** The value of one series in Prometheus text; fails when there is none. */
export function seriesValue(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  for (const line of text.split("\n")) {
    const [, series, value] = /^([a-zA-Z_:]+)(?:\{[^}]*\})? (\S+)/.exec(line) ?? [];
    if (series === name && Object.entries(labels).every(([label, is]) => line.includes(`${label}="${is}"`))) return Number(value);
  }
  throw new Error(`no series ${name} ${JSON.stringify(labels)}`);
}

/** Sends a payload through a relay's TCP port to an echo and waits until all of it is back; then closes. */
export async function uploadOverWire(port: number, credential: Credential, echo: LoopbackTarget, payload: Buffer): Promise<void> {
  const stream = createClientStream(credential, systemEnvironment);
  const target = addressFrom(echo.host, echo.port);
  assert.ok(target);
  const socket = await openSocket({ host: "127.0.0.1", port });
  let plain = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    const opened = Buffer.alloc(stream.opener.bound(chunk.length));
    const length = stream.opener.push(chunk, 0, chunk.length, opened, 0);
    assert.notEqual(length, FAILED);
    plain = Buffer.concat([plain, opened.subarray(0, length)]);
  });
  socket.write(stream.sealRequest(target, payload));
  await eventually("the echo of the payload", () => plain.length >= payload.length);
  assert.deepEqual(plain, payload);
  socket.end();
  await once(socket, "close");
}
