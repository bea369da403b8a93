import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { AccessKey, Port } from "@shadowfleet/control-api";
import type { FleetStore } from "@shadowfleet/store";
import { DatagramClient } from "./datagram-client.ts";
import { createFragileStore } from "./fragile-store.ts";
import { call, type FixtureOptions, failureOf, type ManagementFixture, startManagement } from "./management-fixture.ts";
import { type MemberDouble, startRelayDouble } from "./relay-double.ts";

interface Bench extends AsyncDisposable {
  readonly fleet: ManagementFixture;
  readonly relay: MemberDouble;
  readonly script: DatagramClient;
}

/** Management with the datagram daemon, a relay that binds what it is told, and an old script. */
async function startBench(dialect: "go" | "libev", options: FixtureOptions = {}, settings: object = {}): Promise<Bench> {
  const config = { udpManagement: { enabled: true, port: 0, dialect }, ...settings };
  const fleet = await startManagement({ ...options, config });
  const relay = await startRelayDouble(fleet.clients.config);
  const script = new DatagramClient(fleet.app.address.udpPort);
  return {
    fleet,
    relay,
    script,
    [Symbol.asyncDispose]: async () => {
      relay[Symbol.dispose]();
      await script[Symbol.asyncDispose]();
      await fleet[Symbol.asyncDispose]();
    },
  };
}

let sequence = 0;
const count = (store: FleetStore, port: number, bytes: [number, number, number, number]) =>
  store.applyTraffic({
    ...{ memberId: "relay-1", epoch: "1", sequence: ++sequence, atMs: Date.now() },
    deltas: [{ keyId: String(port), port, tcpUp: bytes[0], tcpDown: bytes[1], udpUp: bytes[2], udpDown: bytes[3] }],
  });

/** Nothing comes for a moment. */
async function assertSilence(script: DatagramClient): Promise<void> {
  await sleep(60);
  assert.deepEqual(script.unread, []);
}

describe("the ancestor's dialect", () => {
  it("answers a script byte for byte", async () => {
    await using bench = await startBench("go");
    const { script } = bench;
    // Requests as the ancestor's documentation has them, with the forms its JSON and its trimming let through.
    for (const [request, reply] of [
      ['add: {"server_port": 8001, "password":"7cd308cc059"}', "ok"],
      ['add: {"server_port": "8002", "password":"second"}', "ok"],
      ['add:{"server_port":8003,"password":"no space"}\r\n', "ok"],
      ['add: {"server_port":8004,"password":"padded"}\0\0\0', "ok"],
      ['add: {"server_port": 8001, "password":"changed"}', "ok"],
      ["ping", "pong"],
      ["ping-stop", "pong"],
      ['remove: {"server_port": 8003}', "ok"],
      ['remove: {"server_port": "8004"}', "ok"],
      ['remove: {"server_port": 8999}', "ok"],
      ['add: {"server_port": 8005}', "err"],
      ['add: {"password":"x"}', "err"],
      ['add: {"server_port": 0, "password":"x"}', "err"],
      ['add: {"server_port": 65536, "password":"x"}', "err"],
      ['add: {"server_port": 80.5, "password":"x"}', "err"],
      ['add: {"server_port": "0x50", "password":"x"}', "err"],
      ['add: {"server_port": 8005, "password": 5}', "err"],
      ["add: ", "err"],
      ["add: not json", "err"],
      ["add: []", "err"],
      ["add: null", "err"],
      ["remove: {}", "err"],
      ['remove: {"server_port": "abc"}', "err"],
      ["remove:", "err"],
    ] as const) {
      assert.equal(await script.ask(request), reply, request);
    }
    await assertSilence(script);
    const { accessKeys } = await call(bench.fleet.clients.keys, "listAccessKeys", {});
    assert.deepEqual(
      accessKeys.map(({ id, port }) => [id, port]),
      [
        ["8001", 8001],
        ["8002", 8002],
      ],
    );
    assert.deepEqual([...bench.relay.ports.keys()].sort(), [8001, 8002]);
    assert.deepEqual(bench.relay.keys.get("8001")!.secrets, ["changed"]);
  });

  it("acknowledges add only after every relay serves the port", async () => {
    await using bench = await startBench("go");
    let isBound = false;
    bench.relay.bind = () => ({ bound: isBound, error: "" });
    bench.script.send('add: {"server_port": 8001, "password":"x"}');
    await bench.relay.until("the port", () => bench.relay.ports.has(8001) && bench.relay.keys.has("8001"));
    await assertSilence(bench.script);
    isBound = true;
    await bench.relay.report();
    assert.equal(await bench.script.receive(), "ok");
  });

  it("answers err, and leaves nothing behind, when a relay cannot bind the port or nobody says so in time", async () => {
    await using bench = await startBench("go", { timing: { bindWaitMs: 200 } });
    bench.relay.bind = () => ({ bound: false, error: "EADDRINUSE" });
    assert.equal(await bench.script.ask('add: {"server_port": 8001, "password":"x"}'), "err");
    bench.relay.report = async () => {};
    const startedAt = performance.now();
    assert.equal(await bench.script.ask('add: {"server_port": 8002, "password":"x"}'), "err");
    assert.ok(performance.now() - startedAt >= 150);
    assert.deepEqual((await call(bench.fleet.clients.ports, "listPorts", {})).ports, []);
    assert.deepEqual((await call(bench.fleet.clients.keys, "listAccessKeys", {})).accessKeys, []);
  });

  it("answers err without relays", async () => {
    await using fleet = await startManagement({ config: { udpManagement: { enabled: true, port: 0 } }, timing: { bindWaitMs: 200 } });
    await using script = new DatagramClient(fleet.app.address.udpPort);
    assert.equal(await script.ask('add: {"server_port": 8001, "password":"x"}'), "err");
  });

  it("pushes stat with the totals of both protocols and directions to those who pinged, until they stop", async () => {
    await using bench = await startBench("go", { timing: { statMs: 80 } });
    await using other = new DatagramClient(bench.fleet.app.address.udpPort);
    for (const port of [8001, 8002, 10_000])
      assert.equal(await bench.script.ask(`add: {"server_port": ${port}, "password":"x${port}"}`), "ok");
    await count(bench.fleet.store, 8001, [370, 1_000, 5_000, 5_000]);
    assert.equal(await bench.script.ask("ping"), "pong");
    assert.equal(await other.ask("ping"), "pong");
    // Keys in the order in which Go marshals a map of strings.
    const expected = 'stat: {"10000":0,"8001":11370,"8002":0}';
    for (let push = 0; push < 3; push++) assert.equal(await bench.script.receive(), expected);
    assert.equal(await other.receive(), expected);
    let answer = await other.ask("ping-stop");
    while (answer !== "pong") answer = await other.receive();
    await sleep(30);
    const before = other.unread.length;
    await count(bench.fleet.store, 8001, [1, 0, 0, 0]);
    assert.match(await bench.script.receive(), /^stat: /);
    await sleep(200);
    assert.equal(other.unread.length, before, "ping-stop is heard");
    assert.equal(bench.script.unread.at(-1), 'stat: {"10000":0,"8001":11371,"8002":0}');
    await call(bench.fleet.clients.ports, "deletePort", { port: 8001, force: true });
    await sleep(200);
    assert.equal(bench.script.unread.at(-1), 'stat: {"10000":0,"8002":0}');
  });

  it("keeps a port's total when its password changes", async () => {
    await using bench = await startBench("go", { timing: { statMs: 50 } });
    await bench.script.ask('add: {"server_port": 8001, "password":"old"}');
    await count(bench.fleet.store, 8001, [5, 5, 0, 0]);
    assert.equal(await bench.script.ask('add: {"server_port": 8001, "password":"new"}'), "ok");
    await bench.script.ask("ping");
    assert.equal(await bench.script.receive(), 'stat: {"8001":10}');
  });

  it("takes messages of 64 KiB", async () => {
    await using bench = await startBench("go");
    const padding = " ".repeat(65_507 - 48);
    const big = `add: ${padding}{"server_port": 8001, "password":"${"p".repeat(5)}"}`;
    assert.ok(big.length > 65_400 && big.length <= 65_507);
    assert.equal(await bench.script.ask(big), "ok");
    const tooLong = `add: {"server_port": 8002, "password":"${"p".repeat(65_000)}"}`;
    assert.equal(await bench.script.ask(tooLong), "err", "read whole, and refused by the domain's rules");
  });

  it("makes ports of 2022 methods that clients use with the password alone", async () => {
    await using bench = await startBench("go", {}, { defaults: { method: "2022-blake3-aes-128-gcm" } });
    const psk = randomBytes(16).toString("base64");
    assert.equal(await bench.script.ask(`add: {"server_port": 8001, "password":"${psk}"}`), "ok");
    assert.equal(bench.relay.ports.get(8001)!.identityKey, "");
    assert.equal(await bench.script.ask('add: {"server_port": 8002, "password":"not a key"}'), "err");
    assert.equal(bench.relay.ports.has(8002), false);
    const { accessUri } = await call(bench.fleet.clients.keys, "getAccessUri", { id: "8001" });
    assert.ok(accessUri.includes(encodeURIComponent(psk)));
    assert.equal(
      (await failureOf(call(bench.fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ port: 8001 }) }))).code,
      "IN_USE",
    );
  });

  it("leaves declared ports and ports of several keys alone", async () => {
    const declared = { ports: [{ port: 8001 }], keys: [{ id: "file", port: 8001, secret: "s" }] };
    await using bench = await startBench("go", {}, { declared });
    await call(bench.fleet.clients.ports, "createPort", { port: Port.fromPartial({ port: 8002 }) });
    for (const id of ["a", "b"])
      await call(bench.fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id, port: 8002 }) });
    for (const port of [8001, 8002]) assert.equal(await bench.script.ask(`add: {"server_port": ${port}, "password":"x"}`), "err");
    assert.equal(await bench.script.ask('remove: {"server_port": 8001}'), "err");
    assert.equal(bench.relay.keys.size, 3);
    assert.equal(await bench.script.ask('remove: {"server_port": 8002}'), "ok");
    await bench.relay.until("one key", () => bench.relay.keys.size === 1);
  });

  it("survives garbage", async () => {
    await using bench = await startBench("go");
    for (const garbage of ["", "\0", "add", "stat: {}", "PING", " ping", "{}", "add: {", 'add: {"__proto__": {}}', "remove: \ud800"])
      bench.script.send(garbage);
    for (let round = 0; round < 300; round++) bench.script.send(randomBytes(1 + (round % 1_400)));
    assert.equal(
      await bench.script.ask('add: {"server_port": 8001, "password":"still here"}').then(async (first) => {
        let answer = first;
        while (answer === "err") answer = await bench.script.receive();
        return answer;
      }),
      "ok",
    );
    assert.ok(!bench.fleet.log.lines.some(({ level }) => level === "error"));
  });

  it("answers err while the store is away", async () => {
    const fragile = createFragileStore();
    await using bench = await startBench("go", { store: fragile.store, timing: { statMs: 50 } });
    assert.equal(await bench.script.ask('add: {"server_port": 8001, "password":"x"}'), "ok");
    fragile.away = true;
    assert.equal(await bench.script.ask('add: {"server_port": 8002, "password":"x"}'), "err");
    assert.equal(await bench.script.ask('remove: {"server_port": 8001}'), "err");
    assert.equal(await bench.script.ask("ping"), "pong");
    await assertSilence(bench.script);
    fragile.away = false;
    assert.equal(await bench.script.receive(), 'stat: {"8001":0}');
  });

  it("takes commands about one port in their order, and others beside them", async () => {
    await using bench = await startBench("go");
    for (let round = 0; round < 5; round++) {
      bench.script.send(`add: {"server_port": 8001, "password":"p${round}"}`);
      bench.script.send('remove: {"server_port": 8001}');
    }
    for (let port = 8100; port < 8120; port++) bench.script.send(`add: {"server_port": ${port}, "password":"p"}`);
    for (let reply = 0; reply < 30; reply++) assert.equal(await bench.script.receive(), "ok");
    const { ports } = await call(bench.fleet.clients.ports, "listPorts", {});
    assert.deepEqual(
      ports.map(({ port }) => port),
      Array.from({ length: 20 }, (_, index) => 8100 + index),
    );
  });
});

describe("libev's dialect", () => {
  it("answers a script as ss-manager 3.3.5 does, byte for byte", async () => {
    await using bench = await startBench("libev");
    // Recorded from ss-manager with -m chacha20-ietf-poly1305, where it has an answer.
    for (const [request, reply] of [
      ["list", "[\n]"],
      ["ping", "stat: {}"],
      ['add: {"server_port": 18001, "password":"7cd308cc059"}', "ok"],
      ['add: {"server_port": "18002", "password":"second", "method":"aes-256-gcm"}', "ok"],
      [
        "list",
        '[\n\t{"server_port":"18001","password":"7cd308cc059","method":"chacha20-ietf-poly1305"},' +
          '\n\t{"server_port":"18002","password":"second","method":"aes-256-gcm"}\n]',
      ],
      ["ping", 'stat: {"18001":0,"18002":0}'],
      [" ping", 'stat: {"18001":0,"18002":0}'],
      [
        "list\n",
        '[\n\t{"server_port":"18001","password":"7cd308cc059","method":"chacha20-ietf-poly1305"},' +
          '\n\t{"server_port":"18002","password":"second","method":"aes-256-gcm"}\n]',
      ],
      ["add: {}", "err"],
      ["add: garbage", "err"],
      ["add", "err"],
      ['add: {"server_port": 18001}', "err"],
      [
        'add: {"server_port": 18003, "password":"x", "method":"aes-128-gcm", "fast_open":true, "no_delay":true, "mode":"tcp_and_udp"}',
        "ok",
      ],
      ['remove: {"server_port": 18055}', "ok"],
      ["remove: {}", "err"],
      ['remove: {"server_port": 18001}', "ok"],
      ['remove: {"server_port": "18003"}', "ok"],
      ["list", '[\n\t{"server_port":"18002","password":"second","method":"aes-256-gcm"}\n]'],
    ] as const) {
      assert.equal(await bench.script.ask(request), reply, request);
    }
    for (const unknown of ["ping-stop", "pingx", "bogus", "stat: {}", ""]) bench.script.send(unknown);
    await assertSilence(bench.script);
  });

  it("says that a port is not available where ss-manager does, and where it lies", async () => {
    await using bench = await startBench("libev", { timing: { bindWaitMs: 300 } });
    bench.relay.bind = (port) => (port === 18003 ? { bound: false, error: "EADDRINUSE" } : { bound: true, error: "" });
    assert.equal(await bench.script.ask('add: {"server_port": 18003, "password":"x"}'), "port is not available");
    // ss-manager answers ok to these and serves nothing.
    assert.equal(await bench.script.ask('add: {"server_port": 18004, "password":"x", "method":"bogus"}'), "port is not available");
    assert.equal(await bench.script.ask('add: {"server_port": 18005, "password":"x", "plugin":"obfs-server"}'), "port is not available");
    assert.equal(await bench.script.ask("list"), "[\n]");
  });

  it("makes a port anew that is added again with another method, as ss-manager does", async () => {
    await using bench = await startBench("libev");
    assert.equal(await bench.script.ask('add: {"server_port": 18001, "password":"one", "method":"aes-128-gcm"}'), "ok");
    assert.equal(await bench.script.ask('add: {"server_port": 18001, "password":"two", "method":"aes-256-gcm"}'), "ok");
    assert.equal(await bench.script.ask("list"), '[\n\t{"server_port":"18001","password":"two","method":"aes-256-gcm"}\n]');
  });

  it("answers ping with the totals at once and pushes nothing", async () => {
    await using bench = await startBench("libev", { timing: { statMs: 30 } });
    await bench.script.ask('add: {"server_port": 18001, "password":"x"}');
    await count(bench.fleet.store, 18001, [1, 20, 300, 4_000]);
    assert.equal(await bench.script.ask("ping"), 'stat: {"18001":4321}');
    await assertSilence(bench.script);
  });

  it("splits what is too much for one datagram so that each is whole and no port is lost", async () => {
    await using bench = await startBench("libev");
    const puts = Array.from({ length: 5_000 }, (_, index) => {
      const port = 20_000 + index;
      const keyId = String(port);
      return [
        { kind: "port" as const, record: { port, host: "::", method: "aes-128-gcm", identityKey: "", createdAtMs: 1 } },
        {
          kind: "key" as const,
          record: {
            ...{
              id: keyId,
              displayName: "",
              port,
              secret: `"secret" of ${port}`,
              previousSecret: undefined,
              disabled: false,
              disabledReason: "",
            },
            ...{ startsAtMs: undefined, expiresAtMs: undefined, createdAtMs: 1, updatedAtMs: 1 },
          },
        },
      ];
    }).flat();
    await bench.fleet.store.write({ puts, deletes: [], expect: [], requestId: undefined, response: "" });
    await bench.relay.until("all of them", () => bench.relay.ports.size === 5_000);
    const collect = async (first: string, size: (text: string) => number): Promise<string[]> => {
      const messages = [first];
      while (messages.reduce((total, text) => total + size(text), 0) < 5_000) messages.push(await bench.script.receive());
      return messages;
    };
    const parse = (text: string): Record<string, number> => JSON.parse(text.slice("stat: ".length));
    const stats = await collect(await bench.script.ask("ping"), (text) => Object.keys(parse(text)).length);
    assert.ok(stats.length > 1);
    for (const text of stats) assert.ok(text.startsWith("stat: {") && text.endsWith("}") && text.length <= 32 * 1024);
    assert.deepEqual(
      stats.flatMap((text) => Object.keys(parse(text))),
      Array.from({ length: 5_000 }, (_, index) => String(20_000 + index)),
    );
    const lists = await collect(await bench.script.ask("list"), (text) => (JSON.parse(text) as unknown[]).length);
    const listed = lists.flatMap((text) => JSON.parse(text) as { server_port: string; password: string }[]);
    assert.equal(new Set(listed.map(({ server_port }) => server_port)).size, 5_000);
    assert.equal(listed[7]!.password, '"secret" of 20007');
  });
});

describe("UDP management", () => {
  it("is off unless asked for, and warns beyond loopback", async () => {
    await using off = await startManagement();
    assert.equal(off.app.address.udpPort, 0);
    await using open = await startManagement({ config: { udpManagement: { enabled: true, host: "0.0.0.0", port: 0 } } });
    assert.ok(open.log.lines.some(({ level, msg }) => level === "warn" && /has no authentication and is not on loopback/.test(msg ?? "")));
  });

  it("says what is wrong when its port is taken", async () => {
    await using first = await startManagement({ config: { udpManagement: { enabled: true, port: 0 } } });
    await assert.rejects(startManagement({ config: { udpManagement: { enabled: true, port: first.app.address.udpPort } } }), {
      code: "BIND_FAILED",
    });
  });
});
