/**
 * `node test/export/figures.ts [--keys N] [--hours N]`: how long an export of all keys takes. Redis and management as processes, the hours written beforehand,
 * the command from its start to its end.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { HOUR_MS, parseRedisUrl, RedisStore } from "@shadowfleet/store";
import { freePort, runProgram, SecretFolder, startRedis } from "@shadowfleet/testkit";
import { startService } from "../fleet-process.ts";

const CLI = join(import.meta.dirname, "../../services/cli/src/main.ts");
const DEADLINE_MS = 300_000;

const { values } = parseArgs({ options: { keys: { type: "string", default: "10000" }, hours: { type: "string", default: "24" } } });
const [keys, hours] = [Number(values.keys), Number(values.hours)];

await using redis = await startRedis();
const store = new RedisStore(parseRedisUrl(redis.url));
await store.readState();
const nowHourMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
for (let hour = 1; hour <= hours; hour++) {
  const deltas = Array.from({ length: keys }, (_, index) => ({
    ...{ keyId: `key-${String(index).padStart(6, "0")}`, port: 8388 },
    ...{ tcpUp: hour * 1_000 + index, tcpDown: hour * 50_000 + index, udpUp: index, udpDown: index },
  }));
  await store.applyTraffic({ memberId: "relay-1", epoch: "1", sequence: hour, atMs: nowHourMs - hour * HOUR_MS, deltas });
}
await store.close();
const port = await freePort();
await using _management = await startService("management", { grpc: { port }, store: { type: "redis", url: redis.url } });
using folder = new SecretFolder();
for (const format of ["csv", "json"]) {
  const file = join(folder.path, `rows.${format}`);
  const from = new Date(nowHourMs - hours * HOUR_MS).toISOString();
  const startedMs = performance.now();
  const args = [CLI, "traffic", "export", "--server", `127.0.0.1:${port}`, "--insecure", "--format", format, "--output-file", file];
  const { code, stderr } = await runProgram(process.execPath, [...args, "--from", from.replace(/:\d\d\.\d+Z$/, "Z")], {
    deadlineMs: DEADLINE_MS,
  });
  if (code !== 0) throw new Error(String(stderr));
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  process.stdout.write(`${format}: ${seconds} s, ${(statSync(file).size / 1e6).toFixed(1)} MB; ${String(stderr).trim()}\n`);
}
