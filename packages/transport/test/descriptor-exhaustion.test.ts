import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { createInterface } from "node:readline";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { after, LOOPBACK, until } from "./loopback.ts";

const DESCRIPTORS = 64;

interface Line {
  readonly port?: number;
  readonly paused?: boolean;
  readonly reason?: string;
}

async function scarceListener(t: TestContext): Promise<{ child: ChildProcess; port: number; pauses: Line[] }> {
  const script = fileURLToPath(new URL("scarce-listener.ts", import.meta.url));
  const child = spawn("sh", ["-c", `ulimit -n ${DESCRIPTORS}; exec "$0" "$1"`, process.execPath, script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill());
  const lines: Line[] = [];
  createInterface(child.stdout!).on("line", (line) => lines.push(JSON.parse(line)));
  await until(() => lines.length > 0);
  return { child, port: lines.shift()!.port!, pauses: lines };
}

function knock(t: TestContext, port: number): net.Socket {
  const socket = net.connect({ port, host: LOOPBACK });
  socket.on("error", () => {});
  socket.write("hello");
  t.after(() => socket.destroy());
  return socket;
}

test("a process out of descriptors pauses accepting, serves whom it has, and serves all again once some are free", {
  timeout: 20_000,
}, async (t) => {
  const { child, port, pauses } = await scarceListener(t);
  const flood: net.Socket[] = [];
  for (let i = 0; i < 2 * DESCRIPTORS; i += 1) {
    flood.push(knock(t, port));
    await after(1);
  }
  await until(() => pauses.length > 0);
  assert.deepEqual([pauses[0]!.paused, /^out of descriptors: /.test(pauses[0]!.reason!)], [true, true]);
  await after(600);
  assert.equal(child.exitCode, null, "still running");
  assert.equal(pauses.length, 1, "paused for as long as nothing is freed");
  const served = flood.find((socket) => socket.bytesRead === 5)!;
  served.write("again");
  await until(() => served.bytesRead === 10);

  for (const socket of flood) socket.destroy();
  await until(() => pauses.length === 2);
  assert.equal(pauses[1]!.paused, false);
  const late = knock(t, port);
  await once(late, "data");
  assert.equal(late.bytesRead, 5);
});
