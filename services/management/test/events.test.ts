import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AccessKey, type Event, type WatchEventsResponse } from "@shadowfleet/control-api";
import type { FleetEvent } from "@shadowfleet/store";
import { eventually, SecretFolder } from "@shadowfleet/testkit";
import { call, type FleetClients, failureOf, type ManagementFixture, startManagement } from "./management-fixture.ts";

const event = (subject: string, more: Partial<FleetEvent> = {}): FleetEvent => ({
  ...{ type: "key.cut", subject, atMs: 1_790_000_000_000, details: { usedBytes: 12, action: "cut", isLast: true } },
  ...more,
});
const idsOf = (events: readonly Event[]): string[] => events.map(({ id }) => id);
const subjectsOf = (events: readonly Event[]): string[] => events.map(({ subject }) => subject);

/** A watcher and what it was sent. `using` ends the stream. */
class Watcher implements Disposable {
  readonly messages: WatchEventsResponse[] = [];
  readonly #stream: ReturnType<FleetClients["events"]["watchEvents"]>;

  constructor(
    { events }: FleetClients,
    request: { readonly afterEventId?: string; readonly types?: string[]; readonly subject?: string } = {},
  ) {
    this.#stream = events.watchEvents({ afterEventId: "", types: [], subject: "", ...request });
    this.#stream.on("data", (message: WatchEventsResponse) => this.messages.push(message));
    this.#stream.on("error", () => {});
  }

  get events(): Event[] {
    return this.messages.flatMap(({ events }) => events);
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    await eventually(`${what}; got ${subjectsOf(this.events)}`, isSo);
  }

  [Symbol.dispose](): void {
    this.#stream.cancel();
  }
}

describe("events over gRPC", () => {
  let fleet: ManagementFixture;
  before(async () => {
    fleet = await startManagement();
    await fleet.store.appendEvents([
      ...Array.from({ length: 5 }, (_, at) => event(`key-${at}`)),
      event("relay-1", { type: "relay.left", details: {} }),
      event("key-1", { type: "key.quota.80" }),
    ]);
  });
  after(() => fleet[Symbol.asyncDispose]());
  const list = (request: object) => call(fleet.clients.events, "listEvents", request);

  it("are listed whole, oldest first", async () => {
    const { events, nextPageToken, lastEventId } = await list({});
    assert.deepEqual(subjectsOf(events), ["key-0", "key-1", "key-2", "key-3", "key-4", "relay-1", "key-1"]);
    const { id, type, subject, time, details } = events[0]!;
    assert.deepEqual(
      [type, subject, time?.getTime(), details],
      ["key.cut", "key-0", 1_790_000_000_000, { usedBytes: 12, action: "cut", isLast: true }],
    );
    assert.notEqual(id, "");
    assert.deepEqual([nextPageToken, lastEventId], ["", events.at(-1)!.id]);
  });

  it("are listed in pages that miss and repeat none", async () => {
    const all = idsOf((await list({})).events);
    const seen: string[] = [];
    for (let pageToken = ""; ; ) {
      const page = await list({ pageSize: 3, pageToken });
      assert.ok(page.events.length <= 3);
      seen.push(...idsOf(page.events));
      pageToken = page.nextPageToken;
      if (pageToken === "") break;
    }
    assert.deepEqual(seen, all);
    assert.deepEqual(idsOf((await list({ afterEventId: all[4] })).events), all.slice(5));
    assert.deepEqual(idsOf((await list({ afterEventId: "never-was" })).events), all);
  });

  it("are listed by type and subject", async () => {
    assert.deepEqual(subjectsOf((await list({ types: ["relay.*"] })).events), ["relay-1"]);
    assert.deepEqual(subjectsOf((await list({ types: ["key.quota.*", "relay.left"] })).events), ["relay-1", "key-1"]);
    assert.equal((await list({ types: ["key.*"], subject: "key-1" })).events.length, 2);
    const { lastEventId, events } = await list({ subject: "nobody" });
    assert.deepEqual([events, lastEventId], [[], (await list({})).events.at(-1)!.id]);
  });

  it("cannot be asked for by types that are none", async () => {
    const failure = await failureOf(list({ types: ["key.cut", "key.gone", "ke.*"] }));
    assert.deepEqual([failure.code, failure.fields.map(({ field }) => field)], ["INVALID_REQUEST", ["types[1]", "types[2]"]]);
  });

  it("are sent as they happen, from now on or behind one, by type", async () => {
    const { events: kept } = await list({});
    using fromNow = new Watcher(fleet.clients);
    using behind = new Watcher(fleet.clients, { afterEventId: kept[4]!.id });
    using relays = new Watcher(fleet.clients, { types: ["relay.*"] });
    await fromNow.until("its place", () => fromNow.messages.length === 1);
    await relays.until("its place", () => relays.messages.length === 1);
    assert.deepEqual(fromNow.messages[0], { events: [], lastEventId: kept.at(-1)!.id });
    await fleet.store.appendEvents([event("late"), event("relay-2", { type: "relay.joined", details: {} })]);
    await fromNow.until("both", () => fromNow.events.length === 2);
    await behind.until("all", () => behind.events.length === 4);
    await relays.until("the relay's", () => relays.events.length === 1);
    assert.deepEqual(subjectsOf(fromNow.events), ["late", "relay-2"]);
    assert.deepEqual(subjectsOf(behind.events), ["relay-1", "key-1", "late", "relay-2"]);
    assert.deepEqual(subjectsOf(relays.events), ["relay-2"]);
    assert.equal(fromNow.messages.at(-1)!.lastEventId, fromNow.events.at(-1)!.id);
  });

  it("are written with what is done to keys, and never hold a secret", async () => {
    using watcher = new Watcher(fleet.clients, { types: ["key.*"], subject: "alice" });
    await watcher.until("its place", () => watcher.messages.length === 1);
    const { accessKey } = await call(fleet.clients.keys, "createAccessKey", {
      accessKey: AccessKey.fromPartial({ id: "alice", secret: "a-planted-secret" }),
    });
    await call(fleet.clients.keys, "updateAccessKey", { accessKey: { ...accessKey!, disabled: true }, updateMask: ["disabled"] });
    await call(fleet.clients.keys, "rotateSecret", { id: "alice", secret: "another-planted-secret" });
    await call(fleet.clients.keys, "deleteAccessKey", { id: "alice" });
    await watcher.until("all four", () => watcher.events.length === 4);
    assert.deepEqual(
      watcher.events.map(({ type }) => type),
      ["key.created", "key.changed", "key.rotated", "key.deleted"],
    );
    assert.doesNotMatch(JSON.stringify(watcher.messages), /planted/);
  });
});

it("viewers may watch events, relays may not", async () => {
  using secrets = new SecretFolder();
  const tokens = (["viewer", "relay"] as const).map((role) => ({
    name: role,
    role,
    tokenFile: secrets.file(role, `${role}-token-0123456789`),
  }));
  await using fleet = await startManagement({ config: { grpc: { port: 0, tokens } } });
  const as = (token: string) => fleet.clientsWith({ token: `${token}-token-0123456789` });
  using watcher = new Watcher(as("viewer"));
  await watcher.until("its place", () => watcher.messages.length === 1);
  assert.equal((await failureOf(call(as("relay").events, "listEvents", {}))).status, "PERMISSION_DENIED");
});
