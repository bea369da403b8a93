import assert from "node:assert/strict";
import { test } from "node:test";
import { curlMissingReason, runCurl } from "../src/curl.ts";
import { startTcpTarget } from "../src/loopback-server.ts";
import { expectNoOpenHandles } from "../src/open-handles.ts";
import { holdClosedPort, startBlackHoleTarget } from "../src/tcp-targets.ts";

expectNoOpenHandles();

const skip = curlMissingReason() ?? false;

test("curl: body and code of a page, code and words of a refusal", { skip }, async () => {
  await using page = await startTcpTarget((socket) => {
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nhi\n"));
  });
  const fetched = await runCurl([`http://127.0.0.1:${page.port}/`]);
  assert.deepEqual(fetched, { exitCode: 0, stdout: "hi\n", stderr: "", body: Buffer.from("hi\n") });
  await using closed = await holdClosedPort();
  const refused = await runCurl([`http://127.0.0.1:${closed.port}/`]);
  assert.equal(refused.exitCode, 7);
  assert.match(refused.stderr, /onnect/);
});

test("proxy variables of the environment decide nothing", { skip }, async () => {
  await using closed = await holdClosedPort();
  await using page = await startTcpTarget((socket) => {
    socket.once("data", () => socket.end("HTTP/1.1 204 None\r\nConnection: close\r\n\r\n"));
  });
  const before = process.env.http_proxy;
  process.env.http_proxy = `http://127.0.0.1:${closed.port}`;
  try {
    assert.equal((await runCurl([`http://127.0.0.1:${page.port}/`])).exitCode, 0);
  } finally {
    if (before === undefined) delete process.env.http_proxy;
    else process.env.http_proxy = before;
  }
});

test("a curl that hangs is ended at the deadline", { skip }, async () => {
  await using hole = await startBlackHoleTarget();
  await assert.rejects(runCurl([`http://127.0.0.1:${hole.port}/`], { deadlineMs: 300 }), /300 ms/);
});
