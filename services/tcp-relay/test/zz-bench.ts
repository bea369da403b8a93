import { ConfigKey, ConfigPort, ConfigSnapshot } from "@shadowfleet/control-api";
import { eventually, freePort, startEchoTarget } from "@shadowfleet/testkit";
import { key, METHOD, port, startFleetRelay } from "./fleet-fixture.ts";
import { ShadowClient } from "./shadow-client.ts";

const psk = (n: number) => { const b = Buffer.alloc(16); b.writeUInt32LE(n + 1); return b.toString("base64"); };
const identityKey = Buffer.alloc(16, 9).toString("base64");
const method = "2022-blake3-aes-128-gcm";
const N = Number(process.argv[2] ?? 10000);
const q = (a: number[], p: number) => a.toSorted((x, y) => x - y)[Math.min(a.length - 1, Math.floor(a.length * p))]!.toFixed(2);

await using target = await startEchoTarget();
await using fleet = await startFleetRelay({}, { timing: {} });
const { relay, stream } = fleet;
const number = await freePort();
const mk = (n: number) => ConfigKey.fromPartial({ id: `k${n}`, displayName: `k${n}`, port: number, secrets: [psk(n)] });
const t0 = performance.now();
const heap0 = process.memoryUsage().heapUsed + process.memoryUsage().external;
const CHUNK = 2000;
for (let at = 0; at < N; at += CHUNK) {
  stream.snapshot({ ports: at === 0 ? [port(number, { method, identityKey })] : [], keys: Array.from({ length: Math.min(CHUNK, N - at) }, (_, i) => mk(at + i)), more: at + CHUNK < N }, 1n);
}
const t1 = performance.now();
await eventually("snapshot", () => relay.app.keys.size === N && relay.app.boundPort(number) !== undefined, 60000);
console.log(`snapshot of ${N}: encode+send ${(t1 - t0).toFixed(0)} ms, until in force ${(performance.now() - t0).toFixed(0)} ms`);
(globalThis as any).gc?.();
console.log(`heap+external per key ~${((process.memoryUsage().heapUsed + process.memoryUsage().external - heap0) / N).toFixed(0)} B (includes the fake's share)`);
const apply: number[] = [], session: number[] = [];
for (let i = 0; i < 200; i++) {
  const n = N + i;
  const a = performance.now();
  stream.delta({ keys: [mk(n)] });
  while (relay.app.keys.key(`k${n}`) === undefined) await new Promise((r) => setImmediate(r));
  apply.push(performance.now() - a);
  using client = await ShadowClient.open({ port: number, method, secret: `${identityKey}:${psk(n)}`, target, payload: Buffer.from("x") });
  await client.receive(1);
  session.push(performance.now() - a);
}
console.log(`delta sent -> in force: p50 ${q(apply, 0.5)} p99 ${q(apply, 0.99)} ms; -> first echoed byte of a session: p50 ${q(session, 0.5)} p99 ${q(session, 0.99)} ms`);
// pure apply
const change = relay.app.keys;
void change;
await fleet[Symbol.asyncDispose]?.();
process.exit(0);
