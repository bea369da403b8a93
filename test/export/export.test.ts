import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  eventually,
  type RedisServer,
  redisMissingReason,
  runProgram,
  startEchoTarget,
  startRedis,
  startUdpEchoTarget,
  type TcpTarget,
  type UdpTarget,
} from "@shadowfleet/testkit";
import { deriveCredential } from "@shadowfleet/wire";
import { Api } from "../fleet/api.ts";
import { Fleet, redisStore } from "../fleet/fleet.ts";
import { openAssociation } from "../floods/udp-client.ts";
import { uploadOverWire } from "../inherited/measured.ts";

const reason = redisMissingReason();
const CLI = join(import.meta.dirname, "../../services/cli/src/main.ts");
const CLOCKED = join(import.meta.dirname, "../chaos/clocked-service.ts");
// Relays whose clocks are far behind cannot speak SIP022.
const METHOD = "chacha20-ietf-poly1305";
const HOUR_MS = 3_600_000;
const BEHIND_SECONDS = 2 * 3_600;
const KEYS = ["alice", "bob", "carol"];
const COLUMNS = ["access_key_id", "hour", "tcp_up_bytes", "tcp_down_bytes", "udp_up_bytes", "udp_down_bytes", "final"];

/** Bills are made of closed hours, so these relays live two hours ago: what they relay now belongs to an hour that is over. */
describe("the export", reason === undefined ? { timeout: 240_000 } : { skip: reason }, () => {
  let redis: RedisServer;
  let fleet: Fleet;
  let echo: TcpTarget;
  let udpEcho: UdpTarget;
  /** What the clients sent and got back, by key. */
  const sent = new Map<string, number>();

  before(async () => {
    redis = await startRedis();
    const declared = (port: number) => ({
      ports: [{ port, method: METHOD }],
      keys: KEYS.map((id) => ({ id, port, secret: id })),
      upstreams: [],
    });
    const relayProcess = () => ({ main: CLOCKED });
    fleet = await Fleet.start({ store: redisStore(redis), tcpRelays: 1, udpRelays: 1, declared, relayProcess });
    echo = await startEchoTarget();
    udpEcho = await startUdpEchoTarget();
    liveTwoHoursAgo();
  });
  after(async () => {
    await fleet?.[Symbol.asyncDispose]();
    await Promise.all([echo?.close(), udpEcho?.close()]);
    await redis.stop();
  });

  function liveTwoHoursAgo(): void {
    for (const relay of [...fleet.tcpRelays, ...fleet.udpRelays]) relay.process.program.write(`-${BEHIND_SECONDS}\n`);
  }

  async function relaySome(bytesOfFirst: number): Promise<void> {
    for (const [index, id] of KEYS.entries()) {
      const bytes = bytesOfFirst * (index + 1);
      const derived = deriveCredential(METHOD, id);
      assert.ok(derived.ok);
      await uploadOverWire(fleet.relayPort, derived.credential, echo, Buffer.alloc(bytes, index));
      await using association = await openAssociation({
        ...{ name: id, port: fleet.relayPort, method: METHOD, secret: id },
        ...{ localAddress: "127.0.0.1", target: udpEcho },
      });
      assert.notEqual(await association.ask(0), undefined, "an echo of one byte");
      sent.set(id, (sent.get(id) ?? 0) + 2 * bytes + 2);
    }
  }

  const sentInAll = (): number => [...sent.values()].reduce((sum, bytes) => sum + bytes, 0);

  async function untilCounted(): Promise<void> {
    const api = new Api(fleet.managements[0]!.port);
    try {
      await eventually("every byte to be counted", async () => (await api.totalBytes().catch(() => 0)) >= sentInAll(), 20_000);
      assert.equal(await api.totalBytes(), sentInAll());
    } finally {
      api.close();
    }
  }

  async function exported(...flags: readonly string[]): Promise<string> {
    const args = [CLI, "traffic", "export", "--server", `127.0.0.1:${fleet.managements[0]!.port}`, "--insecure", ...flags];
    const { code, stdout, stderr } = await runProgram(process.execPath, args);
    assert.equal(code, 0, String(stderr));
    return String(stdout);
  }

  /** Bytes by key, of rows as the CSV has them. */
  function sumsOf(csv: string): Map<string, number> {
    const [head, ...rows] = csv
      .trimEnd()
      .split("\r\n")
      .map((line) => line.split(","));
    assert.deepEqual(head, COLUMNS);
    const sums = new Map<string, number>();
    for (const [id = "", , ...counts] of rows) {
      const bytes = counts.slice(0, 4).reduce((sum, count) => sum + Number(count), 0);
      sums.set(id, (sums.get(id) ?? 0) + bytes);
    }
    return sums;
  }

  const moment = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16)}Z`;
  const hourMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
  const from = moment(hourMs - 6 * HOUR_MS);
  const closedRange = ["--from", from, "--to", moment(hourMs - HOUR_MS)];
  let closed = "";

  test("has what the clients sent and got, to the byte, as rows that are final", async () => {
    await relaySome(10_007);
    await untilCounted();
    closed = await exported(...closedRange);
    assert.deepEqual(sumsOf(closed), sent);
    assert.doesNotMatch(closed, /,false\r\n/);
  });

  test("is the same after kill -9 of management and relays, though more comes for its hours; the rest is in an open one", async () => {
    const members = [...fleet.managements, ...fleet.tcpRelays, ...fleet.udpRelays];
    await Promise.all(members.map((member) => member.kill()));
    await Promise.all(members.map((member) => member.start()));
    liveTwoHoursAgo();
    await relaySome(5_003);
    await untilCounted();
    assert.equal(await exported(...closedRange), closed);
    const everything = ["--from", from, "--to", moment(hourMs + 2 * HOUR_MS)];
    const whole = await exported(...everything);
    assert.deepEqual(sumsOf(whole), sent);
    assert.ok(whole.startsWith(closed), "the closed hours come first");
    const json = JSON.parse(await exported(...everything, "--format", "json", "--key", "bob")) as {
      rows: { accessKeyId: string; tcpUpBytes: number; udpDownBytes: number }[];
    };
    const tcpUp = json.rows.reduce((sum, { tcpUpBytes }) => sum + tcpUpBytes, 0);
    assert.deepEqual([tcpUp, new Set(json.rows.map(({ accessKeyId }) => accessKeyId))], [2 * (10_007 + 5_003), new Set(["bob"])]);
  });
});
