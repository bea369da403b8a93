/**
 * `npm run bench:fleet`: what 100,000 access keys cost. Real processes (redis-server, management, tcp-relay) on loopback; prints a table.
 * `node test/bench/fleet-plane.ts [--keys N]`
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { AccessKey, Port } from "@shadowfleet/control-api";
import { systemEnvironment } from "@shadowfleet/runtime";
import { eventually, openSocket, startEchoTarget, startRedis } from "@shadowfleet/testkit";
import { addressFrom, createClientStream, deriveCredential, parseAccessUri } from "@shadowfleet/wire";
import { Api } from "../fleet/api.ts";
import { Fleet, redisStore } from "../fleet/fleet.ts";
import { seriesValue } from "../inherited/measured.ts";

const METHOD = "2022-blake3-aes-128-gcm";
const IN_FLIGHT = 16;
const CHANGES = 100;
const LOAD_DEADLINE_MS = 120_000;

const { values } = parseArgs({ options: { keys: { type: "string", default: "100000" } } });
const keyCount = Number(values.keys);

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
const rows: [string, string][] = [];

function residentBytes(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) * 1024;
}

await using redis = await startRedis();
await using fleet = await Fleet.start({ store: redisStore(redis), tcpRelays: 1 });
await using echo = await startEchoTarget();
const relay = fleet.tcpRelays[0]!;
const api = new Api(fleet.managements[0]!.port);
const { accessKeys, ports } = api.clients;

// Identity headers: one look-up however many keys. Trial decryption of as many SIP004 keys is not what anybody should run.
await api.call(ports, ports.deletePort, { port: fleet.relayPort, force: true });
await api.call(ports, ports.createPort, { port: Port.fromPartial({ port: fleet.relayPort, method: METHOD }), requestId: "" });

async function createKey(id: string): Promise<string> {
  const { accessUri } = await api.call(accessKeys, accessKeys.createAccessKey, { accessKey: AccessKey.fromPartial({ id }), requestId: "" });
  return accessUri;
}

const createMs: number[] = [];
let next = 0;
const startedMs = performance.now();
await Promise.all(
  Array.from({ length: IN_FLIGHT }, async () => {
    while (next < keyCount) {
      const id = `key-${String(next++).padStart(6, "0")}`;
      const beganMs = performance.now();
      await createKey(id);
      createMs.push(performance.now() - beganMs);
    }
  }),
);
createMs.sort((a, b) => a - b);
rows.push(["keys created", `${keyCount} in ${((performance.now() - startedMs) / 1000).toFixed(1)} s, ${IN_FLIGHT} at a time`]);
rows.push(["create, p50 / p99", `${percentile(createMs, 0.5).toFixed(1)} / ${percentile(createMs, 0.99).toFixed(1)} ms`]);

const keysActive = async (): Promise<number> => seriesValue(await relay.process.metrics(), "fleet_keys_active");
await eventually("the relay to have every key", async () => (await keysActive()) === keyCount, LOAD_DEADLINE_MS);

/** A relay that starts now: how long until it has the whole snapshot, and what that takes of memory. */
await relay[Symbol.asyncDispose]();
const restartMs = performance.now();
await relay.start();
await eventually("the relay to have every key", async () => (await keysActive()) === keyCount, LOAD_DEADLINE_MS);
const bytes = residentBytes(relay.process.program.pid);
rows.push(["process start to all keys in force", `${((performance.now() - restartMs) / 1000).toFixed(1)} s`]);
rows.push(["relay's resident memory with all keys", `${(bytes / 2 ** 20).toFixed(0)} MiB`]);

async function accepts(accessUri: string): Promise<boolean> {
  const parsed = parseAccessUri(accessUri);
  if (!parsed.ok) throw new Error(parsed.reason);
  const derived = deriveCredential(parsed.uri.method, parsed.uri.password);
  if (!derived.ok) throw new Error(derived.reason);
  const socket = await openSocket({ host: relay.host, port: fleet.relayPort });
  socket.write(createClientStream(derived.credential, systemEnvironment).sealRequest(addressFrom(echo.host, echo.port)!, Buffer.from("?")));
  const answered = await new Promise<boolean>((resolve) => {
    socket.once("data", () => resolve(true));
    setTimeout(() => resolve(false), 50);
  });
  socket.destroy();
  return answered;
}

const changeMs: number[] = [];
for (let index = 0; index < CHANGES; index++) {
  const beganMs = performance.now();
  const accessUri = await createKey(`late-${index}`);
  await eventually("the relay to accept the key", () => accepts(accessUri), 5_000);
  changeMs.push(performance.now() - beganMs);
}
changeMs.sort((a, b) => a - b);
rows.push([
  "create to a session with the key, p50 / p99",
  `${percentile(changeMs, 0.5).toFixed(0)} / ${percentile(changeMs, 0.99).toFixed(0)} ms`,
]);

api.close();
const width = Math.max(...rows.map(([what]) => what.length));
for (const [what, figure] of rows) console.log(`${what.padEnd(width)}  ${figure}`);
