import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createMemoryLogger, type MemoryLogger } from "@shadowfleet/testkit";
import { type DatagramSocket, type DatagramSocketOptions, openDatagramSocket } from "@shadowfleet/transport";
import { ListeningSocket } from "../src/listening-socket.ts";
import { bindPeer, pause, until } from "./loopback.ts";

type Options = DatagramSocketOptions<string>;

interface Fixture {
  readonly socket: ListeningSocket<string>;
  /** Options of every socket bound, to raise errors through. */
  readonly bound: Options[];
  readonly received: string[];
  readonly errors: string[];
  readonly failed: string[];
  readonly log: MemoryLogger;
}

function listen(t: TestContext, host: string, bind: (options: Options) => DatagramSocket<string> = openDatagramSocket): Fixture {
  const bound: Options[] = [];
  const received: string[] = [];
  const errors: string[] = [];
  const failed: string[] = [];
  const log = createMemoryLogger();
  const socket = new ListeningSocket<string>({
    host,
    port: 0,
    logger: log.logger,
    onDatagram: (datagram) => received.push(String(datagram)),
    onSent: () => {},
    onSendFailed: (owner, code) => failed.push(`${owner} ${code}`),
    onError: (code) => errors.push(code),
    bind: (options) => {
      bound.push(options);
      return bind(options);
    },
  });
  t.after(() => socket.close());
  return { socket, bound, received, errors, failed, log };
}

const systemError = (code: string): Error => Object.assign(new Error(code), { code });

test("an error about one datagram leaves the socket as it is", async (t) => {
  const { socket, bound, received, errors } = listen(t, "127.0.0.1");
  for (const code of ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EMSGSIZE", "ENOBUFS"]) bound[0]?.onError(systemError(code));
  assert.deepEqual(errors, ["DIAL_REFUSED", "DIAL_HOST_UNREACHABLE", "DIAL_NETWORK_UNREACHABLE", "PACKET_TOO_LARGE", "UDP_SEND_FAILED"]);
  (await bindPeer(t)).send("hello", socket.port, "127.0.0.1");
  await until(() => received.length === 1);
  assert.equal(bound.length, 1);
});

test("a socket that breaks is opened again on the same port, with growing pauses until that works", async (t) => {
  let refusals = 2;
  const { socket, bound, received, errors, failed, log } = listen(t, "127.0.0.1", (options) => {
    if (options.port !== 0 && refusals-- > 0) throw systemError("EADDRINUSE");
    return openDatagramSocket(options);
  });
  const { port } = socket;
  bound[0]?.onError(systemError("EBADF"));
  assert.deepEqual(errors, ["UDP_SEND_FAILED"]);
  socket.send(Buffer.alloc(1), "127.0.0.1", 9, "meanwhile", 1);
  assert.deepEqual(failed, ["meanwhile UDP_SEND_FAILED"]);
  await until(() => bound.length === 4);
  assert.deepEqual(
    bound.map((options) => options.port),
    [0, port, port, port],
  );
  (await bindPeer(t)).send("hello", port, "127.0.0.1");
  await until(() => received.length === 1);
  assert.equal(log.lines.filter(({ level }) => level === "error").length, 1, "said once, not with every try");
});

test("close ends the attempts to open it again", async (t) => {
  const { socket, bound } = listen(t, "127.0.0.1");
  bound[0]?.onError(systemError("EBADF"));
  socket.close();
  await pause(150);
  assert.equal(bound.length, 1);
});

test(":: falls back to IPv4 where there is no IPv6, and only then", async (t) => {
  const { socket, bound, received } = listen(t, "::", (options) => {
    if (options.family === 6) throw systemError("EAFNOSUPPORT");
    return openDatagramSocket(options);
  });
  assert.deepEqual(
    bound.map(({ host, family, ipv6Only }) => [host, family, ipv6Only]),
    [
      ["::", 6, false],
      ["0.0.0.0", 4, false],
    ],
  );
  (await bindPeer(t)).send("hello", socket.port, "127.0.0.1");
  await until(() => received.length === 1);
  assert.throws(
    () =>
      listen(t, "::", () => {
        throw systemError("EADDRINUSE");
      }),
    (error: Error & { code?: string }) => error.code === "BIND_FAILED" && error.message.includes("EADDRINUSE"),
  );
});

test("an IPv6 address other than :: takes no IPv4", (t) => {
  const { bound } = listen(t, "::1");
  assert.equal(bound[0]?.ipv6Only, true);
});
