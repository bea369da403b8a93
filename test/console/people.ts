import { eventually } from "@shadowfleet/testkit";
import type { ConsoleFleet } from "./console-fleet.ts";

const DAY_MS = 86_400_000;
const MB = 1_000_000;
const COUNTED_MS = 20_000;

interface Person {
  readonly id: string;
  readonly displayName: string;
  readonly limits?: object;
  readonly startTime?: string;
  readonly expireTime?: string;
  /** Relayed before anybody looks. */
  readonly bytes?: number;
  /** What goes on then. */
  readonly bytesPerSecond?: number;
}

const inDays = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString();
const month = (megabytes: number): object => ({ quota: { bytes: String(megabytes * MB), calendar: { unit: "CALENDAR_UNIT_MONTH" } } });

const PEOPLE: readonly Person[] = [
  { id: "alice", displayName: "Alice, phone", limits: { ...month(40), maxDevices: 3 }, bytes: 14 * MB, bytesPerSecond: 240_000 },
  { id: "alice-laptop", displayName: "Alice, laptop", limits: { downBitsPerSecond: "100000000", upBitsPerSecond: "20000000" } },
  { id: "bob", displayName: "Bob", limits: { ...month(12), downBitsPerSecond: "50000000", upBitsPerSecond: "10000000" }, bytes: 10.4 * MB },
  { id: "carla", displayName: "Carla, tablet", limits: { quota: { bytes: "3000000", rolling: { days: 7 } } }, bytes: 6 * MB },
  { id: "office", displayName: "Office in Lisbon", limits: { maxDevices: 25, maxSessions: 400 }, bytesPerSecond: 900_000 },
  { id: "guest-june", displayName: "Guests of June", expireTime: inDays(11), limits: { downBitsPerSecond: "5000000", maxDevices: 12 } },
  { id: "night-backup", displayName: "Nightly backup", startTime: inDays(2) },
  { id: "dmitri", displayName: "Dmitri", bytesPerSecond: 60_000 },
  {
    id: "elif",
    displayName: "Elif",
    limits: { quota: { bytes: String(25 * MB), calendar: { unit: "CALENDAR_UNIT_DAY" } } },
    bytes: 2 * MB,
  },
];

/** A fleet in use: people with and without limits, some of whom are busy, and an upstream that fails. */
export async function populate(fleet: ConsoleFleet): Promise<void> {
  const uris = new Map<string, string>();
  for (const { bytes: _bytes, bytesPerSecond: _rate, ...accessKey } of PEOPLE) {
    const { accessUri } = await fleet.call<{ accessUri: string }>("AccessKeyService", "CreateAccessKey", { accessKey });
    uris.set(accessKey.id, accessUri);
  }
  await fleet.call("AccessKeyService", "UpdateAccessKey", {
    accessKey: { id: "guest-june", disabled: true, disabledReason: "Poster with the code was photographed" },
    updateMask: "disabled,disabledReason",
  });
  await fleet.call("AccessKeyService", "RotateSecret", { id: "elif", overlap: "86400s" });
  await startTraffic(fleet, uris);
  await addUpstreams(fleet, uris.get("dmitri") ?? "");
}

async function startTraffic(fleet: ConsoleFleet, uris: ReadonlyMap<string, string>): Promise<void> {
  for (const { id, bytes = 0, bytesPerSecond = 0 } of PEOPLE) {
    if (bytes + bytesPerSecond === 0) continue;
    const port = await fleet.startClient(uris.get(id) ?? "");
    if (bytes > 0) await fleet.download(port, 20 * MB, bytes);
    if (bytesPerSecond > 0) for (const share of [0.6, 0.4]) await fleet.download(port, bytesPerSecond * share);
  }
  await eventually("the bytes to be counted", async () => (await totalOf(fleet, "bob")) >= 10.4 * MB, COUNTED_MS);
}

/** The first refuses, so that the second serves. */
async function addUpstreams(fleet: ConsoleFleet, uri: string): Promise<void> {
  const dead = { host: "127.0.0.9", port: fleet.relayPort, method: "chacha20-ietf-poly1305", secret: "worth-nothing" };
  await fleet.call("UpstreamService", "CreateUpstream", { upstream: { ...dead, id: "lisbon", displayName: "Lisbon" } });
  await fleet.call("UpstreamService", "CreateUpstream", { accessUri: uri, upstream: { id: "porto", displayName: "Porto" } });
  const gateway = await fleet.startGateway();
  await eventually(
    "the gateway to know its upstreams",
    async () => await fleet.download(gateway, 40_000).then(Boolean, () => false),
    COUNTED_MS,
  );
}

async function totalOf(fleet: ConsoleFleet, accessKeyId: string): Promise<number> {
  const { traffic } = await fleet.call<{ traffic?: { total?: Record<string, string> } }>("TrafficService", "GetTraffic", {
    subject: { accessKeyId },
  });
  return Object.values(traffic?.total ?? {}).reduce((sum, bytes) => sum + Number(bytes), 0);
}
