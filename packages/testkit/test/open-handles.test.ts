import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { countHandles, leftOver } from "../src/open-handles.ts";
import { runProgram } from "../src/process.ts";

const FIXTURE = new URL("./fixtures/leaks-a-server.ts", import.meta.url).pathname;

test("servers, sockets, timers and child processes are seen while they are open, and not after", async () => {
  const before = countHandles();
  assert.deepEqual(await leftOver(before), []);
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const timer = setTimeout(() => {}, 60_000);
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  assert.deepEqual((await leftOver(before)).toSorted(), ["ProcessWrap x1", "TCPServerWrap x1", "Timeout x1", "UDPWrap x1"]);
  clearTimeout(timer);
  server.close();
  socket.close();
  child.kill("SIGKILL");
  assert.deepEqual(await leftOver(before), []);
});

test("what goes away within the grace, or was unref'ed, is no leak", async () => {
  const before = countHandles();
  setTimeout(() => {}, 200);
  setTimeout(() => {}, 60_000).unref();
  assert.deepEqual(await leftOver(before), []);
});

test("a file that leaks fails, and ends all the same", async () => {
  const leaking = await runProgram(process.execPath, ["--test", FIXTURE]);
  assert.equal(leaking.code, 1);
  assert.match(leaking.stdout.toString(), /still open at the end of the test: TCPServerWrap x1/);
  const closing = await runProgram(process.execPath, ["--test", FIXTURE], { env: { CLOSES_IT: "1" } });
  assert.equal(closing.code, 0, closing.stdout.toString());
});
