import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { codeOf } from "@shadowfleet/runtime";
import { eventually } from "@shadowfleet/testkit";
import type {
  FeedEvent,
  FeedSubscription,
  FleetStore,
  KeyRecord,
  PortRecord,
  TrafficBatch,
  TrafficDelta,
  UpstreamRecord,
  WriteRequest,
} from "../../src/index.ts";

/** A kind of store as the conformance suite drives it. */
export interface StoreHarness {
  /** A store that nobody has used, and how to open it once more, as another process would; undefined where it lives in one process. */
  fresh(): Promise<{ readonly store: FleetStore; readonly again: (() => FleetStore) | undefined }>;
  /** Lets time pass for the stores: their clock, or really. */
  pass(ms: number): Promise<void>;
  /** A store whose server is not there. */
  unreachable(): FleetStore;
  stop(): Promise<void>;
}

/** Two handles on one fresh store, closed at the end of the test; one and the same where there can be only one. */
export async function openPair(t: TestContext, harness: StoreHarness): Promise<[FleetStore, FleetStore]> {
  const { store, again } = await harness.fresh();
  t.after(() => store.close());
  const other = again?.() ?? store;
  if (other !== store) t.after(() => other.close());
  return [store, other];
}

export async function openOne(t: TestContext, harness: StoreHarness): Promise<FleetStore> {
  const [store] = await openPair(t, harness);
  return store;
}

export const keyRecord = (id: string, fields: Partial<KeyRecord> = {}): KeyRecord => ({
  id,
  displayName: `Key ${id}`,
  port: 8001,
  secret: `secret of ${id}`,
  previousSecret: undefined,
  disabled: false,
  disabledReason: "",
  startsAtMs: undefined,
  expiresAtMs: undefined,
  createdAtMs: 1_700_000_000_000,
  updatedAtMs: 1_700_000_000_000,
  ...fields,
});

export const portRecord = (port: number): PortRecord => ({
  port,
  host: "::",
  method: "2022-blake3-aes-256-gcm",
  identityKey: `identity of ${port}`,
  createdAtMs: 1,
});

export const upstreamRecord = (id: string, order = 1): UpstreamRecord => ({
  id,
  host: `${id}.example`,
  port: 8388,
  method: "aes-256-gcm",
  secret: `secret of ${id}`,
  displayName: id,
  order,
});

export const request = (fields: Partial<WriteRequest>): WriteRequest => ({
  puts: [],
  deletes: [],
  expect: [],
  requestId: undefined,
  response: "",
  ...fields,
});

export const putKey = (id: string, fields: Partial<KeyRecord> = {}): WriteRequest =>
  request({ puts: [{ kind: "key", record: keyRecord(id, fields) }] });

export const delta = (keyId: string, port: number, bytes: Partial<TrafficDelta> = {}): TrafficDelta => ({
  keyId,
  port,
  tcpUp: 0,
  tcpDown: 0,
  udpUp: 0,
  udpDown: 0,
  ...bytes,
});

export const batch = (sequence: number, deltas: readonly TrafficDelta[], fields: Partial<TrafficBatch> = {}): TrafficBatch => ({
  memberId: "relay-1",
  epoch: "epoch-1",
  sequence,
  atMs: Date.now(),
  deltas,
  ...fields,
});

/** What a subscription has delivered. */
export interface Listener {
  readonly events: FeedEvent[];
  readonly subscription: FeedSubscription;
  until(what: string, isSo: (events: readonly FeedEvent[]) => boolean, deadlineMs?: number): Promise<void>;
}

/** Subscribes behind the state as it is now, or behind another position. */
export async function listen(
  t: TestContext,
  store: FleetStore,
  after?: { readonly revision: number; readonly generation: string },
): Promise<Listener> {
  const events: FeedEvent[] = [];
  const subscription = await store.subscribe(after ?? (await store.readState()), (event) => void events.push(event));
  t.after(() => subscription.close());
  return { events, subscription, until: (what, isSo, deadlineMs) => eventually(what, () => isSo(events), deadlineMs) };
}

/** The newest revision among the events; 0 without one. */
export function newestRevision(events: readonly FeedEvent[]): number {
  return Math.max(0, ...events.map((event) => (event.type === "changes" ? event.revision : 0)));
}

export async function rejectsAsUnavailable(what: string, call: () => Promise<unknown>, deadlineMs = 2_000): Promise<void> {
  const started = performance.now();
  const error = await call().then(
    () => assert.fail(`${what} was answered`),
    (reason: unknown) => reason,
  );
  assert.equal(codeOf(error), "STORE_UNAVAILABLE", `${what}: ${error}`);
  const tookMs = performance.now() - started;
  assert.ok(tookMs < deadlineMs, `${what} took ${tookMs} ms to reject`);
}
