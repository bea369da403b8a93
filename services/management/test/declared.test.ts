import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AccessKey, Origin, Port, Upstream } from "@shadowfleet/control-api";
import { SqliteStore } from "@shadowfleet/store";
import { call, failureOf, managementConfig, startManagement } from "./management-fixture.ts";

const DECLARED = {
  ports: [{ port: 9001, method: "aes-128-gcm" }],
  keys: [
    { id: "alice", name: "Alice of the file", port: 9001, secret: "from the file" },
    { id: "old", port: 9001, secret: "long gone", expireTime: "2020-01-01T00:00:00Z" },
  ],
  upstreams: [{ id: "file-up", host: "file.example", port: 8388, method: "aes-128-gcm", secret: "u" }],
};

describe("declared resources", () => {
  it("are shown beside run-time ones, read-only", async () => {
    await using fleet = await startManagement({ config: { declared: DECLARED } });
    await call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id: "bob", port: 9001 }) });
    const { accessKeys } = await call(fleet.clients.keys, "listAccessKeys", {});
    assert.deepEqual(
      accessKeys.map(({ id, origin, state }) => [id, origin, state]),
      [
        ["alice", Origin.ORIGIN_DECLARED, 1],
        ["bob", Origin.ORIGIN_RUNTIME, 1],
        ["old", Origin.ORIGIN_DECLARED, 3],
      ],
    );
    assert.ok(accessKeys[0]!.resourceVersion > 0n);
    const { accessUri } = await call(fleet.clients.keys, "getAccessUri", { id: "alice" });
    assert.match(accessUri, /#Alice%20of%20the%20file$/);
    const attempts = [
      call(fleet.clients.keys, "updateAccessKey", {
        accessKey: AccessKey.fromPartial({ id: "alice", disabled: true }),
        updateMask: ["disabled"],
      }),
      call(fleet.clients.keys, "deleteAccessKey", { id: "alice" }),
      call(fleet.clients.keys, "rotateSecret", { id: "alice" }),
      call(fleet.clients.ports, "deletePort", { port: 9001, force: true }),
      call(fleet.clients.upstreams, "deleteUpstream", { id: "file-up" }),
    ];
    for (const attempt of attempts) {
      const failure = await failureOf(attempt);
      assert.deepEqual([failure.code, failure.status], ["DECLARED_READ_ONLY", "FAILED_PRECONDITION"]);
    }
    const { state } = accessKeys[1]!;
    assert.equal(state, 1, "nothing happened to the others");
  });

  it("take ids and ports from requests, and come first in the order of upstreams", async () => {
    await using fleet = await startManagement({ config: { declared: DECLARED } });
    assert.equal(
      (await failureOf(call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id: "alice" }) }))).status,
      "ALREADY_EXISTS",
    );
    assert.equal(
      (await failureOf(call(fleet.clients.ports, "createPort", { port: Port.fromPartial({ port: 9001 }) }))).status,
      "ALREADY_EXISTS",
    );
    const same = await failureOf(
      call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ port: 9001, secret: "from the file" }) }),
    );
    assert.equal(same.fields[0]!.field, "access_key.secret");
    await call(fleet.clients.upstreams, "createUpstream", {
      upstream: Upstream.fromPartial({ id: "a", host: "h", port: 1, method: "aes-128-gcm", secret: "u" }),
    });
    const { upstreams } = await call(fleet.clients.upstreams, "listUpstreams", {});
    assert.deepEqual(
      upstreams.map(({ id }) => id),
      ["file-up", "a"],
    );
  });

  it("hide run-time ones of the same id, which is logged and shown, until they are declared no more", async () => {
    const store = new SqliteStore({ path: ":memory:" });
    await using fleet = await startManagement({ store });
    await call(fleet.clients.ports, "createPort", { port: Port.fromPartial({ port: 9001, method: "2022-blake3-aes-128-gcm" }) });
    for (const id of ["alice", "bob"])
      await call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id, port: 9001 }) });
    await fleet.app.reload(managementConfig({ declared: DECLARED }));
    const conflicts = async () =>
      (await call(fleet.clients.fleet, "getFleet", {})).conflicts.map(({ resource, id }) => `${resource} ${id}`).sort();
    // Bob's key is a 2022 one, and the port is one of SIP004 now; its secret passes as a password.
    assert.deepEqual(await conflicts(), ["access key alice", "port 9001"]);
    assert.ok(
      fleet.log.lines.some(
        ({ level, msg }) =>
          level === "warn" &&
          msg === "access key alice is not in force: created at run time, but hidden by the declared one of the same id",
      ),
    );
    assert.equal(fleet.metrics.observed("fleet.config.conflicts"), 2);
    const shown = await call(fleet.clients.keys, "getAccessKey", { id: "alice" });
    assert.equal(shown.accessKey!.displayName, "Alice of the file");
    await fleet.app.reload(managementConfig({}));
    assert.deepEqual(await conflicts(), []);
    const back = await call(fleet.clients.keys, "getAccessKey", { id: "alice" });
    assert.deepEqual([back.accessKey!.displayName, back.accessKey!.method], ["", "2022-blake3-aes-128-gcm"]);
    await store.close();
  });

  it("that make run-time keys useless are said to", async () => {
    await using fleet = await startManagement();
    await call(fleet.clients.ports, "createPort", { port: Port.fromPartial({ port: 9001 }) });
    for (const id of ["first", "second"])
      await call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id, port: 9001 }) });
    await fleet.app.reload(managementConfig({ declared: { ports: [{ port: 9001, method: "2022-blake3-aes-256-gcm" }] } }));
    const { conflicts } = await call(fleet.clients.fleet, "getFleet", {});
    assert.deepEqual(conflicts.map(({ id, reason }) => [id, reason.slice(0, 49)]).sort(), [
      ["9001", "created at run time, but hidden by the declared o"],
      ["first", "its secret is none of 2022-blake3-aes-256-gcm, th"],
      ["second", "its secret is none of 2022-blake3-aes-256-gcm, th"],
    ]);
    assert.equal(fleet.metrics.observed("fleet.keys.active"), 0);
  });

  it("on a port with room for one leave the oldest key in force, and the next one when it goes", async () => {
    await using fleet = await startManagement();
    await call(fleet.clients.ports, "createPort", { port: Port.fromPartial({ port: 9001, method: "2022-blake3-aes-128-gcm" }) });
    for (const id of ["first", "second"])
      await call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id, port: 9001 }) });
    await fleet.app.reload(managementConfig({ declared: { ports: [{ port: 9001, method: "2022-blake3-aes-128-gcm" }] } }));
    const idsInConflict = async () => (await call(fleet.clients.fleet, "getFleet", {})).conflicts.map(({ id }) => id).sort();
    assert.deepEqual(await idsInConflict(), ["9001", "second"]);
    await call(fleet.clients.keys, "deleteAccessKey", { id: "first" });
    assert.deepEqual(await idsInConflict(), ["9001"]);
  });
});
