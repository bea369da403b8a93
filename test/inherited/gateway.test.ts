import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import {
  blackHole,
  freePort,
  holdClosedPort,
  socks5Request,
  startEchoTarget,
  startHalfCloseTarget,
  type TcpTarget,
  withDeadline,
} from "@shadowfleet/testkit";
import { formatAccessUri } from "@shadowfleet/wire";
import { type FleetProcess, startService } from "../fleet-process.ts";
import { CLASSIC_METHOD } from "./classic.ts";

const SECRET = "password of alice";

/** What arrives on the socket: `length` bytes, or all until the end of the stream. */
async function downloadedText(socket: Socket, length: number): Promise<string> {
  let text = "";
  const done = Promise.withResolvers<void>();
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    if (text.length >= length) done.resolve();
  });
  socket.on("end", done.resolve);
  await withDeadline(done.promise, 5_000, "the reply");
  return text;
}

/** Bugs of the ancestor's local program, on its own config.json where the bug was in reading it. */
describe("the ancestor's client bugs are not inherited", () => {
  let relay: FleetProcess;
  let relayPort = 0;
  let echo: TcpTarget;

  before(async () => {
    echo = await startEchoTarget();
    relayPort = await freePort();
    const config = { server: "::", port_password: { [relayPort]: SECRET }, method: CLASSIC_METHOD, allowInsecureCiphers: true };
    relay = await startService("tcp-relay", config, ["--allow-private-targets"]);
  });
  after(async () => {
    await relay[Symbol.asyncDispose]();
    await echo.close();
  });

  /** A gateway with this configuration; `connect` asks it for the target. */
  async function startGateway(config: (port: number) => object) {
    const port = await freePort();
    const gateway = await startService("gateway", config(port));
    const connect = (target: { readonly host: string; readonly port: number }) =>
      socks5Request({ proxy: { host: "127.0.0.1", port }, target, deadlineMs: 8_000 });
    return { connect, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
  }

  const classic = (port: number, more: object) => ({ local_address: "127.0.0.1", local_port: port, allowInsecureCiphers: true, ...more });

  async function assertEchoes(gateway: Awaited<ReturnType<typeof startGateway>>): Promise<void> {
    const answer = await gateway.connect(echo);
    assert.ok(answer.ok, `SOCKS reply ${answer.reply}`);
    answer.socket.write("through");
    assert.equal(await downloadedText(answer.socket, "through".length), "through");
    answer.socket.destroy();
  }

  test("a server_password entry without a method takes the file's, then the ancestor's default", async () => {
    for (const method of [undefined, CLASSIC_METHOD]) {
      await using gateway = await startGateway((port) =>
        classic(port, { server_password: [[`127.0.0.1:${relayPort}`, SECRET]], ...(method ? { method } : {}) }),
      );
      await assertEchoes(gateway);
    }
  });

  test("ss:// URIs are read whole: IPv6 hosts, and userinfo whose base64 begins with s", async () => {
    const uri = formatAccessUri({ method: CLASSIC_METHOD, password: SECRET, host: "::1", port: relayPort });
    await using overIpv6 = await startGateway((port) => ({
      listen: { host: "127.0.0.1", port },
      upstreams: [uri],
      allowInsecureCiphers: true,
    }));
    await assertEchoes(overIpv6);
    // "\xb2" as first byte makes base64 begin with "s": what TrimLeft(uri, "ss://") would have eaten. Refused for its method, not misread.
    const payload = Buffer.concat([Buffer.from([0xb2]), Buffer.from(`x:${SECRET}@127.0.0.1:1`)]).toString("base64");
    assert.match(payload, /^s/);
    await assert.rejects(
      startGateway((port) => ({ listen: { host: "127.0.0.1", port }, upstreams: [`ss://${payload}`] })),
      /upstreams\[0\]/,
    );
  });

  test("success is reported only after the connection stands", async () => {
    await using closed = await holdClosedPort();
    await using gateway = await startGateway((port) => classic(port, { server: "127.0.0.1", server_port: closed.port, password: SECRET }));
    const answer = await gateway.connect(echo);
    answer.socket.destroy();
    assert.equal(answer.reply, 5, "connection refused");
  });

  test("dialling has a timeout: a server that never answers does not hold a request for minutes", async (t) => {
    const hole = await blackHole(t, "127.0.0.1");
    await using gateway = await startGateway((port) => ({
      listen: { host: "127.0.0.1", port },
      upstreams: [
        { host: "127.0.0.1", port: hole.port, method: CLASSIC_METHOD, secret: SECRET },
        { host: "127.0.0.1", port: relayPort, method: CLASSIC_METHOD, secret: SECRET },
      ],
      timeouts: { dial: "500ms" },
      allowInsecureCiphers: true,
    }));
    const started = performance.now();
    await assertEchoes(gateway);
    const elapsedMs = performance.now() - started;
    assert.ok(elapsedMs >= 450 && elapsedMs < 3_000, `${elapsedMs} ms`);
  });

  for (const firstFin of ["client", "target"] as const) {
    test(`half-close is kept: the ${firstFin} ends first, the other direction goes on`, async () => {
      await using target = await startHalfCloseTarget({ firstFin });
      await using gateway = await startGateway((port) => classic(port, { server: "127.0.0.1", server_port: relayPort, password: SECRET }));
      const { socket } = await gateway.connect(target);
      const reply = downloadedText(socket, Number.POSITIVE_INFINITY);
      if (firstFin === "client") {
        socket.end("question");
        assert.equal(await reply, "goodbye");
      } else {
        assert.equal(await reply, "goodbye");
        socket.end("question");
      }
      const received = await target.received();
      assert.deepEqual([received.bytes, received.end], ["question".length, "fin"]);
      socket.destroy();
    });
  }
});
