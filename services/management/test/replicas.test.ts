import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AccessKey, Port } from "@shadowfleet/control-api";
import { SqliteStore } from "@shadowfleet/store";
import { eventually } from "@shadowfleet/testkit";
import { call, failureOf, type ManagementFixture, member, startManagement } from "./management-fixture.ts";
import { MemberDouble, startRelayDouble } from "./relay-double.ts";

describe("two replicas on one store", () => {
  const store = new SqliteStore({ path: ":memory:" });
  let one: ManagementFixture;
  let two: ManagementFixture;
  before(async () => {
    one = await startManagement({ store });
    two = await startManagement({ store });
  });
  after(async () => {
    await one[Symbol.asyncDispose]();
    await two[Symbol.asyncDispose]();
    await store.close();
  });
  const create = (fleet: ManagementFixture, key: Partial<AccessKey>, requestId = "") =>
    call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial(key), requestId });

  it("show the same", async () => {
    await create(one, { id: "alice" });
    await create(two, { id: "bob" });
    const list = async (fleet: ManagementFixture) => (await call(fleet.clients.keys, "listAccessKeys", {})).accessKeys;
    await eventually("both keys on both", async () => (await list(one)).length === 2 && (await list(two)).length === 2);
    assert.deepEqual(await list(one), await list(two));
  });

  it("tell relays of the other what was changed here", async () => {
    using relay = await startRelayDouble(two.clients.config);
    await create(one, { id: "carol" });
    await relay.until("the key", () => relay.keys.has("carol"));
    await call(one.clients.keys, "deleteAccessKey", { id: "carol" });
    await relay.until("its end", () => !relay.keys.has("carol"));
    await call(one.clients.sessions, "terminateSessions", { target: { $case: "accessKeyId", value: "alice" } });
    await relay.until("the command", () => relay.events("command").length === 1);
  });

  it("hand a member over: what it missed comes from the other", async () => {
    const relay = await startRelayDouble(one.clients.config);
    const { place } = relay;
    relay[Symbol.dispose]();
    await create(one, { id: "dave" });
    using again = new MemberDouble(two.clients.config, member("relay-1"), place);
    await again.until("the key", () => again.keys.has("dave"));
    assert.equal(again.events("snapshot").length, 0);
  });

  it("wait for what a member knows already", async () => {
    const { accessKey } = await create(one, { id: "eve" });
    using known = await startRelayDouble(one.clients.config);
    const { generation } = known.place;
    using relay = new MemberDouble(two.clients.config, member("relay-1"), { revision: accessKey!.resourceVersion, generation });
    await relay.until("a message", () => relay.messages.length > 0);
    assert.ok(relay.place.revision >= accessKey!.resourceVersion);
    assert.equal(relay.events("snapshot").length, 0);
  });

  it("create once for one request id, whoever is asked", async () => {
    const [first, second] = await Promise.all([create(one, {}, "the-request"), create(two, {}, "the-request")]);
    assert.deepEqual(first, second);
    const id = first.accessKey!.id;
    await call(one.clients.keys, "deleteAccessKey", { id });
    const failure = await failureOf(create(two, {}, "the-request"));
    assert.deepEqual([failure.status, failure.message], ["NOT_FOUND", `access key "${id}" was deleted meanwhile`]);
  });

  it("let one of two changes of the same version through", async () => {
    const { accessKey } = await create(one, { id: "frank" });
    await eventually("frank on both", async () =>
      (await call(two.clients.keys, "listAccessKeys", {})).accessKeys.some(({ id }) => id === "frank"),
    );
    const change = (fleet: ManagementFixture, displayName: string) =>
      call(fleet.clients.keys, "updateAccessKey", { accessKey: { ...accessKey!, displayName }, updateMask: ["display_name"] });
    const results = await Promise.allSettled([change(one, "one"), change(two, "two")]);
    const [failed] = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal((await failureOf(Promise.reject(failed))).status, "ABORTED");
  });

  it("see bindings that relays of the other report", async () => {
    await store.removeMember("relay-1");
    using _relay = await startRelayDouble(two.clients.config, "relay-of-two");
    const { port } = await call(one.clients.ports, "createPort", { port: Port.fromPartial({ port: 9001 }) });
    assert.deepEqual(port!.bindings, [{ memberId: "relay-of-two", bound: true, error: "" }]);
  });
});
