/**
 * What limits cost: CPU seconds of a tcp-relay for a GiB of downloads, taken in turns. `node test/limits/cost.ts` compares keys of one fleet: without limits, with rate and
 * quota, with a limit on sessions alone. `node test/limits/cost.ts FOLDER` compares this tcp-relay without a fleet with the one of another checkout.
 */
import { join } from "node:path";
import { freePort } from "@shadowfleet/testkit";
import { type Credential, deriveCredential } from "@shadowfleet/wire";
import { type ProcessUsage, readUsage } from "../bench/measure/process-usage.ts";
import { type FleetProcess, startService } from "../fleet-process.ts";
import { received } from "./cases/rates.ts";
import { hourQuota, LimitedFleet, mbit } from "./limited-fleet.ts";
import { sleep } from "./row.ts";
import { StreamClient, type StreamClientOptions } from "./stream-client.ts";
import { Target } from "./target.ts";

const ROUNDS = 9;
const WINDOW_MS = 2500;
const CONNECTIONS = 4;
const GIB = 1024 ** 3;
const METHOD = "aes-128-gcm";
const SECRET = "the cost of limits";

interface Side {
  readonly name: string;
  readonly pid: number;
  readonly client: Omit<StreamClientOptions, "direction" | "from">;
}

/** CPU seconds for a GiB in one window. */
async function measure({ pid, client }: Side): Promise<number> {
  const open = () => StreamClient.open({ ...client, from: "127.0.0.1", direction: "down" });
  const streams = await Promise.all(Array.from({ length: CONNECTIONS }, open));
  await sleep(500);
  const [bytes, usage]: [number, ProcessUsage] = [received(streams), readUsage(pid)];
  await sleep(WINDOW_MS);
  const cpu = readUsage(pid).cpuSeconds - usage.cpuSeconds;
  const perGib = cpu / ((received(streams) - bytes) / GIB);
  for (const stream of streams) stream.destroy();
  await sleep(200);
  return perGib;
}

async function compare(sides: readonly Side[]): Promise<void> {
  const figures = new Map(sides.map(({ name }) => [name, [] as number[]]));
  for (const side of sides) await measure(side);
  for (let round = 0; round < ROUNDS; round++) for (const side of sides) figures.get(side.name)!.push(await measure(side));
  const base = figures.get(sides[0]!.name)!;
  for (const [name, all] of figures) {
    const ratios = all.map((figure, round) => figure / base[round]!);
    const [low, high] = [Math.min(...ratios), Math.max(...ratios)];
    console.log(
      `${name}: ${median(all).toFixed(2)} CPU s/GiB, ${median(ratios).toFixed(3)} of the first (${low.toFixed(2)} to ${high.toFixed(2)})`,
    );
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

async function compareKeys(): Promise<void> {
  await using fleet = await LimitedFleet.start({ tcpRelays: 1, udpRelays: 0 });
  const [relay] = fleet.fleet.tcpRelays;
  const limits = {
    "no limits": {},
    "rate and quota": { downBitsPerSecond: mbit(1_000_000), quota: hourQuota(2 ** 52) },
    "sessions alone": { maxSessions: 1000 },
  };
  const sides: Side[] = [];
  for (const [name, wanted] of Object.entries(limits)) {
    const { id, credential } = await fleet.createKey(wanted);
    const client = { host: relay!.host, port: fleet.fleet.relayPort, credential, target: fleet.target.tcp, name: id };
    sides.push({ name, pid: relay!.process.program.pid, client });
  }
  await compare(sides);
}

async function compareCheckouts(folder: string): Promise<void> {
  const target = await Target.start();
  const credential = credentialOf();
  const started: FleetProcess[] = [];
  const sides: Side[] = [];
  for (const [name, root] of [["there", folder] as const, ["here", join(import.meta.dirname, "../..")] as const]) {
    const port = await freePort();
    const config = { log: { level: "warn" }, ports: [{ host: "127.0.0.1", port, method: METHOD, password: SECRET }] };
    const main = join(root, "services/tcp-relay/src/main.ts");
    const relay = await startService("tcp-relay", config, ["--allow-private-targets"], { main });
    started.push(relay);
    sides.push({ name, pid: relay.program.pid, client: { host: "127.0.0.1", port, credential, target: target.tcp, name } });
  }
  try {
    await compare(sides);
  } finally {
    for (const relay of started) await relay[Symbol.asyncDispose]();
    await target.close();
  }
}

function credentialOf(): Credential {
  const derived = deriveCredential(METHOD, SECRET);
  if (!derived.ok) throw new Error(derived.reason);
  return derived.credential;
}

const [folder] = process.argv.slice(2);
await (folder === undefined ? compareKeys() : compareCheckouts(folder));
