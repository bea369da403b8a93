import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { createApp as createGateway, type GatewayApp, loadGatewayConfig } from "@shadowfleet/gateway";
import { systemClock } from "@shadowfleet/runtime";
import { createMemoryLogger, freePort, RecordingMetrics } from "@shadowfleet/testkit";
import { DatagramFlow } from "../src/fleet-test/datagram-flow.ts";
import { unwrapDatagram } from "../src/fleet-test/socks-request.ts";
import { runCommand } from "../src/run.ts";
import { Composition } from "../src/standalone/composition.ts";
import { loadStandaloneConfig } from "../src/standalone/config.ts";
import type { CommandResult } from "./command.ts";
import { FakeTerminal } from "./fake-terminal.ts";

interface Passed {
  readonly key: string;
  readonly tcp: { readonly bytes: number; readonly tookMs: number };
  readonly udp: { readonly bytes: number; readonly sentBytes: number; readonly tookMs: number } | null;
  readonly counted: Record<"tcpUpBytes" | "tcpDownBytes" | "udpUpBytes" | "udpDownBytes", number>;
  readonly isExact: boolean;
  readonly moreBytes: number;
}

const UDP_BYTES = 2048;

describe("fleet test", () => {
  let fleet: Composition;
  before(async () => {
    const [gateway, relay, management] = [await freePort(), await freePort(), await freePort()];
    const ports = { gateway: { port: gateway }, relay: { port: relay }, management: { port: management } };
    const config = loadStandaloneConfig({ name: "test", data: { ...ports, store: { type: "memory" } } });
    fleet = await Composition.start(config, deps());
    while (![...fleet.apps.values()].every((app) => app.readiness().ready)) await new Promise((resolve) => setTimeout(resolve, 10));
  });
  after(() => fleet.drain(500));

  /** Runs it against this fleet; its echo has a port of its own. */
  async function run(argv: readonly string[] = [], { input = "" } = {}): Promise<CommandResult> {
    const terminal = new FakeTerminal({ input });
    const server = ["--server", `127.0.0.1:${fleet.managementPort}`];
    const defaults = { gateway: `127.0.0.1:${fleet.gateway.address.port}`, "echo-listen": `127.0.0.1:${await freePort()}`, key: "demo" };
    const given = Object.entries(defaults).flatMap(([name, value]) => (argv.includes(`--${name}`) ? [] : [`--${name}`, value]));
    const exitCode = await runCommand(["fleet", "test", ...argv, ...given, ...server], terminal);
    return { exitCode, terminal, out: terminal.out, err: terminal.err };
  }

  async function passed(argv: readonly string[] = []): Promise<Passed> {
    const { exitCode, out, err } = await run([...argv, "-o", "json"]);
    assert.deepEqual([exitCode, err], [0, ""]);
    return JSON.parse(out) as Passed;
  }

  test("passes TCP and UDP, and has them counted to the byte", async () => {
    const { tcp, udp, counted, isExact, moreBytes } = await passed(["--exact", "--bytes", "1234567B"]);
    assert.deepEqual([tcp.bytes, udp?.bytes, udp?.sentBytes, isExact, moreBytes], [1_234_567, UDP_BYTES, UDP_BYTES, true, 0]);
    assert.deepEqual(counted, { tcpUpBytes: 1_234_567, tcpDownBytes: 1_234_567, udpUpBytes: UDP_BYTES, udpDownBytes: UDP_BYTES });
  });

  test("tells a person the same; without UDP when that is not wanted", async () => {
    const { exitCode, out } = await run(["--no-udp"]);
    assert.equal(exitCode, 0);
    assert.match(
      out,
      /^TCP: 65536 bytes went there and back in \d+ ms\.\nThe counters of access key demo grew by (at least that|that, and by \d+ bytes of others)\.\n$/,
    );
  });

  test("bytes of others are no failure, unless nobody else was to use the key", async () => {
    const [small, large] = await Promise.all([run(["--exact", "--bytes", "1B"]), passed(["--bytes", "100000B"])]);
    assert.equal(small.exitCode, 1);
    assert.match(small.err, /more was counted than passed: of access key demo tcpUpBytes grew by 100001 instead of 1, /);
    assert.match(small.err, /Leave out --exact where others use this key/);
    assert.ok(large.counted.tcpUpBytes >= 100_000);
  });

  test("a key that counts nothing is not the gateway's", async () => {
    const terminal = new FakeTerminal();
    await runCommand(["key", "create", "idle", "--server", `127.0.0.1:${fleet.managementPort}`], terminal);
    const { exitCode, err } = await run(["--key", "idle", "--no-udp", "--deadline", "600ms"]);
    assert.equal(exitCode, 1);
    assert.match(err, /was not counted: of access key idle tcpUpBytes grew by 0 instead of 65536, tcpDownBytes grew by 0 instead of 65536/);
    assert.match(err, /Is this the key that the gateway uses/);
  });

  test("a key that does not exist is named", async () => {
    const { exitCode, err } = await run(["--key", "nobody"]);
    assert.equal(exitCode, 1);
    assert.match(err, /there is no access key nobody \(NOT_FOUND\)\n {2}Name the one that the gateway uses: --key ID\./);
  });

  test("an echo that relays cannot reach", async () => {
    const { exitCode, err } = await run(["--echo-host", "127.0.0.2"]);
    assert.equal(exitCode, 1);
    assert.match(err, /TCP: the connection through gateway and relay ended before everything had come back \(UPSTREAM_CLOSED_EARLY\)/);
    assert.match(err, /The relay must reach 127\.0\.0\.2:\d+, and may go to a private address only if `targets\.allow` names it/);
  });

  test("an echo that cannot listen", async () => {
    const { exitCode, err } = await run(["--echo-listen", `127.0.0.1:${fleet.gateway.address.port}`]);
    assert.equal(exitCode, 1);
    assert.match(err, /the echo cannot listen on 127\.0\.0\.1 port \d+: EADDRINUSE \(BIND_FAILED\)/);
  });

  test("a gateway that is not there, and one that has no name", async () => {
    const nobody = await run(["--gateway", `127.0.0.1:${await freePort()}`]);
    assert.match(nobody.err, /TCP: the gateway at 127\.0\.0\.1:\d+ cannot be reached: ECONNREFUSED \(DIAL_REFUSED\)/);
    const nameless = await run(["--gateway", "gateway.invalid:1080"]);
    assert.match(nameless.err, /the gateway at gateway\.invalid:1080 cannot be reached: (ENOTFOUND|EAI_AGAIN) \(DNS_FAILED\)/);
    assert.deepEqual([nobody.exitCode, nameless.exitCode], [1, 1]);
  });

  test("command lines that cannot be meant", async () => {
    for (const [argv, reason] of [
      [["--echo-listen", "0.0.0.0:7007"], /--echo-host: tell by which name or address relays reach the echo/],
      [["--bytes", "1GB"], /--bytes: expected 1B to 16MiB/],
      [["--proxy-user", "alice"], /--proxy-user and --proxy-password-file need each other/],
    ] as const) {
      const { exitCode, err } = await run(argv);
      assert.equal(exitCode, 2);
      assert.match(err, reason);
    }
  });

  describe("through a gateway with a login", () => {
    let guarded: GatewayApp;
    before(async () => {
      const listen = { host: "127.0.0.1", port: await freePort() };
      const data = { listen, users: [{ name: "alice", password: "secret" }], upstreams: [fleet.accessUri] };
      guarded = createGateway(loadGatewayConfig({ name: "test", data }), deps());
      await guarded.start();
    });
    after(() => guarded.drain(100));

    const login = (password: string): Promise<CommandResult> =>
      run(["--gateway", `127.0.0.1:${guarded.address.port}`, "--proxy-user", "alice", "--proxy-password-file", "-"], { input: password });

    test("the right one passes", async () => {
      const { exitCode, err } = await login("secret\n");
      assert.deepEqual([exitCode, err], [0, ""]);
    });

    test("a wrong one and none are refused", async () => {
      assert.match((await login("wrong")).err, /refused: name or password is wrong \(PROXY_AUTH_FAILED\)/);
      const { err } = await run(["--gateway", `127.0.0.1:${guarded.address.port}`]);
      assert.match(err, /refused: it asks for a name and password \(PROXY_AUTH_FAILED\)/);
    });
  });

  describe("through something that is no good gateway", () => {
    /** The error of a test through a server that answers each piece it gets with the next of `answers`; undefined: it closes. */
    async function errorOf(answers: readonly (readonly number[] | undefined)[], argv: readonly string[] = []): Promise<string> {
      const serve = (socket: Socket): void => {
        let index = 0;
        socket
          .on("error", () => {})
          .on("data", () => {
            const answer = answers[index++];
            if (answer === undefined && index <= answers.length) socket.end();
            else if (answer) socket.write(Buffer.from(answer));
          });
      };
      await using server = createServer(serve).listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as { port: number };
      const { exitCode, err } = await run(["--gateway", `127.0.0.1:${port}`, ...argv]);
      assert.equal(exitCode, 1);
      return err;
    }
    const GREETED = [5, 0];
    const replied = (reply: number): number[] => [5, reply, 0, 1, 127, 0, 0, 1, 0, 80];

    test("every refusal has its words and code", async () => {
      assert.match(await errorOf([GREETED, replied(1)]), /SOCKS reply 1, general failure: there is no relay.*\(DIAL_FAILED\)/);
      assert.match(await errorOf([GREETED, replied(4)]), /SOCKS reply 4, the relay's host is unreachable.*\(DIAL_HOST_UNREACHABLE\)/);
      assert.match(await errorOf([GREETED, replied(5)]), /SOCKS reply 5, the relay refused the connection \(DIAL_REFUSED\)/);
      assert.match(await errorOf([GREETED, replied(6)]), /SOCKS reply 6, the relay did not answer in time \(DIAL_TIMEOUT\)/);
      assert.match(await errorOf([GREETED, [5, 5, 0, 3, 1, 97, 0, 80]]), /SOCKS reply 5/);
    });

    test("another protocol, an early end and silence", async () => {
      assert.match(await errorOf([[72, 84, 84, 80]]), /what answers is no SOCKS5 proxy/);
      assert.match(await errorOf([undefined]), /ended the connection without an answer \(DIAL_FAILED\)/);
      assert.match(await errorOf([[]], ["--deadline", "400ms"]), /the gateway at .* did not answer within 0\.4 s \(DIAL_TIMEOUT\)/);
    });

    test("an echo that is cut short, late or another one", async () => {
      assert.match(await errorOf([GREETED, replied(0), undefined]), /TCP: the connection through gateway and relay ended before/);
      const late = await errorOf([GREETED, replied(0)], ["--deadline", "1500ms"]);
      assert.match(late, /TCP: the echo did not come back .* within 1\.5 s \(DEADLINE_EXCEEDED\)/);
      assert.match(await errorOf([GREETED, replied(0), [0, 0]], ["--bytes", "2B"]), /TCP: other bytes came back .* \(STREAM_CORRUPT\)/);
    });
  });
});

test("a datagram that is lost is sent again, and both are reported", async () => {
  await using proxy = createSocket("udp4");
  let seen = 0;
  proxy.on("message", (datagram, { port, address }) => {
    if (seen++ > 0) proxy.send(datagram, port, address);
  });
  proxy.bind(0, "127.0.0.1");
  await once(proxy, "listening");
  using flow = await DatagramFlow.open({ host: "127.0.0.1", port: proxy.address().port }, { host: "echo.example", port: 7 });
  assert.equal(await flow.exchange(Buffer.from("hello"), AbortSignal.timeout(5_000)), 2);
});

test("a datagram that is none is passed over", () => {
  assert.equal(unwrapDatagram(Buffer.alloc(0)), undefined);
  assert.equal(unwrapDatagram(Buffer.from([0, 0, 0, 1, 127, 0, 0])), undefined);
});

function deps() {
  return { logger: createMemoryLogger().logger, metrics: new RecordingMetrics(), clock: systemClock };
}
