import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AccessKey, MemberKind, Origin, Port } from "@shadowfleet/control-api";
import { call, failureOf, type ManagementFixture, startManagement } from "./management-fixture.ts";
import { startRelayDouble } from "./relay-double.ts";

describe("ports", () => {
  let fleet: ManagementFixture;
  before(async () => {
    fleet = await startManagement();
  });
  after(() => fleet[Symbol.asyncDispose]());

  const create = (port: Partial<Port>, requestId = "") =>
    call(fleet.clients.ports, "createPort", { port: Port.fromPartial(port), requestId });

  it("are created with the default method on every address", async () => {
    const { port } = await create({ port: 7001 });
    assert.deepEqual(
      [port!.host, port!.method, port!.insecure, port!.origin],
      ["::", "chacha20-ietf-poly1305", false, Origin.ORIGIN_RUNTIME],
    );
    assert.deepEqual(port!.bindings, [], "no relay reports");
    assert.deepEqual((await call(fleet.clients.ports, "getPort", { port: 7001 })).port, port);
  });

  it("take a method by any of its names, and an address to bind", async () => {
    const { port } = await create({ port: 7002, method: "AEAD_AES_128_GCM", host: "127.0.0.1" });
    assert.deepEqual([port!.host, port!.method], ["127.0.0.1", "aes-128-gcm"]);
  });

  for (const [name, port, fields] of [
    ["nothing at all", {}, ["port.port"]],
    ["a number that is none", { port: 65_536 }, ["port.port"]],
    ["a stream cipher without leave", { port: 7003, method: "aes-256-cfb" }, ["port.method"]],
    ["an unknown method and a name to bind", { port: 7003, method: "rot13", host: "example.com" }, ["port.host", "port.method"]],
  ] as const) {
    it(`refuse ${name}`, async () => {
      const failure = await failureOf(create(port));
      assert.equal(failure.status, "INVALID_ARGUMENT");
      assert.deepEqual(
        failure.fields.map(({ field }) => field),
        fields,
      );
    });
  }

  it("exist once", async () => {
    await create({ port: 7004 });
    const failure = await failureOf(create({ port: 7004 }));
    assert.equal(failure.status, "ALREADY_EXISTS");
    const both = await Promise.allSettled([create({ port: 7005 }), create({ port: 7005 })]);
    assert.equal(both.filter(({ status }) => status === "fulfilled").length, 1);
  });

  it("are created once for one request id", async () => {
    const first = await create({ port: 7006 }, "port-request");
    assert.deepEqual(await create({ port: 7006 }, "port-request"), first);
  });

  it("are listed by number in pages", async () => {
    const numbers: number[] = [];
    let pageToken = "";
    do {
      const page = await call(fleet.clients.ports, "listPorts", { pageSize: 2, pageToken });
      assert.ok(page.ports.length <= 2);
      numbers.push(...page.ports.map(({ port }) => port));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    assert.deepEqual(numbers, [7001, 7002, 7004, 7005, 7006]);
  });

  it("with access keys are deleted only by force, and the keys with them", async () => {
    await create({ port: 7010 });
    for (const id of ["one", "two"])
      await call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id, port: 7010 }) });
    assert.equal((await call(fleet.clients.ports, "getPort", { port: 7010 })).port!.accessKeyCount, 2);
    const failure = await failureOf(call(fleet.clients.ports, "deletePort", { port: 7010 }));
    assert.deepEqual([failure.status, failure.code], ["FAILED_PRECONDITION", "IN_USE"]);
    await call(fleet.clients.ports, "deletePort", { port: 7010, force: true });
    assert.equal((await failureOf(call(fleet.clients.ports, "getPort", { port: 7010 }))).status, "NOT_FOUND");
    for (const id of ["one", "two"]) assert.equal((await failureOf(call(fleet.clients.keys, "getAccessKey", { id }))).status, "NOT_FOUND");
  });

  it("with thousands of access keys are deleted with all of them", async () => {
    await create({ port: 7011 });
    const common = { displayName: "", port: 7011, previousSecret: undefined, disabled: false, disabledReason: "", startsAtMs: undefined };
    const puts = Array.from({ length: 2_500 }, (_, index) => ({
      kind: "key" as const,
      record: {
        ...common,
        id: `many-${index}`,
        secret: `secret ${index}`,
        expiresAtMs: undefined,
        createdAtMs: Date.now(),
        updatedAtMs: Date.now(),
      },
    }));
    await fleet.store.write({ puts, deletes: [], expect: [], requestId: undefined, response: "" });
    await call(fleet.clients.ports, "deletePort", { port: 7011, force: true });
    assert.equal((await fleet.store.readState()).keys.size, 0);
  });

  it("that are not there are not found", async () => {
    for (const method of ["getPort", "deletePort"] as const) {
      assert.equal((await failureOf(call(fleet.clients.ports, method, { port: 1 }))).status, "NOT_FOUND");
    }
  });
});

describe("binding", () => {
  it("is reported by every live relay before CreatePort answers, errors included", async () => {
    await using fleet = await startManagement();
    using tcp = await startRelayDouble(fleet.clients.config, "tcp-1");
    using udp = await startRelayDouble(fleet.clients.config, "udp-1", MemberKind.MEMBER_KIND_UDP_RELAY);
    udp.bind = (port) => (port === 7000 ? { bound: false, error: "EADDRINUSE" } : { bound: true, error: "" });
    const { port } = await call(fleet.clients.ports, "createPort", { port: Port.fromPartial({ port: 7000 }) });
    assert.deepEqual(port!.bindings, [
      { memberId: "tcp-1", bound: true, error: "" },
      { memberId: "udp-1", bound: false, error: "EADDRINUSE" },
    ]);
    assert.ok(tcp.ports.has(7000));
    const { ports } = await call(fleet.clients.ports, "listPorts", {});
    assert.deepEqual(ports[0]!.bindings, port!.bindings);
  });

  it("is waited for no longer than the deadline, and what is there by then is returned", async () => {
    await using fleet = await startManagement({ timing: { bindWaitMs: 300 } });
    using _prompt = await startRelayDouble(fleet.clients.config, "prompt");
    using mute = await startRelayDouble(fleet.clients.config, "mute");
    mute.report = async () => {};
    const startedAt = performance.now();
    const { port } = await call(fleet.clients.ports, "createPort", { port: Port.fromPartial({ port: 7000 }) });
    assert.ok(performance.now() - startedAt > 250);
    assert.deepEqual(port!.bindings, [{ memberId: "prompt", bound: true, error: "" }]);
  });

  it("of an earlier port of the same number does not count", async () => {
    await using fleet = await startManagement({ timing: { bindWaitMs: 300 } });
    using relay = await startRelayDouble(fleet.clients.config);
    const create = () => call(fleet.clients.ports, "createPort", { port: Port.fromPartial({ port: 7000 }) });
    assert.equal((await create()).port!.bindings.length, 1);
    relay.report = async () => {};
    await call(fleet.clients.ports, "deletePort", { port: 7000 });
    assert.deepEqual((await create()).port!.bindings, []);
  });
});
