import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AccessKey, AccessKeyState, Origin, Port } from "@shadowfleet/control-api";
import { deriveCredential, parseAccessUri } from "@shadowfleet/wire";
import { call, failureOf, type ManagementFixture, startManagement } from "./management-fixture.ts";

const HOUR_MS = 3_600_000;
const AES_2022 = "2022-blake3-aes-128-gcm";

describe("access keys", () => {
  let fleet: ManagementFixture;
  before(async () => {
    fleet = await startManagement({ config: { allowInsecureCiphers: true } });
    for (const [port, method] of [
      [9001, "aes-256-gcm"],
      [9022, AES_2022],
      [9023, "2022-blake3-chacha20-poly1305"],
      [9024, "aes-256-cfb"],
    ] as const) {
      await call(fleet.clients.ports, "createPort", { port: Port.fromPartial({ port, method }) });
    }
  });
  after(() => fleet[Symbol.asyncDispose]());

  const create = (key: Partial<AccessKey>, requestId = "") =>
    call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial(key), requestId });
  const get = async (id: string) => (await call(fleet.clients.keys, "getAccessKey", { id })).accessKey!;

  it("are created with what was left out chosen, the default port included", async () => {
    const { accessKey, accessUri } = await create({});
    assert.match(accessKey!.id, /^key-[a-z0-9]{10}$/);
    assert.equal(accessKey!.port, 8388);
    assert.equal(accessKey!.method, "chacha20-ietf-poly1305");
    assert.equal(accessKey!.state, AccessKeyState.ACCESS_KEY_STATE_ACTIVE);
    assert.equal(accessKey!.origin, Origin.ORIGIN_RUNTIME);
    const parsed = parseAccessUri(accessUri);
    assert.ok(parsed.ok);
    assert.deepEqual(
      { ...parsed.uri },
      { method: accessKey!.method, password: accessKey!.secret, host: "relay.example", port: 8388, tag: accessKey!.id },
    );
  });

  it("are created as asked and shown without their secret", async () => {
    const startTime = new Date(Date.now() + HOUR_MS);
    const expireTime = new Date(Date.now() + 2 * HOUR_MS);
    const { accessKey } = await create({
      id: "al.ice_1-x",
      displayName: "Alice Ä",
      port: 9001,
      secret: "correct horse",
      startTime,
      expireTime,
    });
    assert.equal(accessKey!.secret, "correct horse");
    const shown = await get("al.ice_1-x");
    assert.equal(shown.secret, "");
    assert.equal(shown.displayName, "Alice Ä");
    assert.equal(shown.state, AccessKeyState.ACCESS_KEY_STATE_SCHEDULED);
    assert.deepEqual([shown.startTime, shown.expireTime], [startTime, expireTime]);
    assert.deepEqual(shown, { ...accessKey!, secret: "" });
  });

  it("of a 2022 port get pre-shared keys of the right length, and URIs with the port's identity key", async () => {
    const uris = await Promise.all(["eih-1", "eih-2"].map(async (id) => (await create({ id, port: 9022 })).accessUri));
    const passwords = uris.map((uri) => {
      const parsed = parseAccessUri(uri);
      assert.ok(parsed.ok);
      const credential = deriveCredential(AES_2022, parsed.uri.password);
      assert.ok(credential.ok);
      assert.equal(credential.credential.key.length, 16);
      assert.equal(credential.credential.identityKeys.length, 1);
      return parsed.uri.password.split(":");
    });
    assert.equal(passwords[0]![0], passwords[1]![0], "one identity key a port");
    assert.notEqual(passwords[0]![1], passwords[1]![1]);
  });

  it("name every wrong field at once, in proto names", async () => {
    const failure = await failureOf(
      create(
        { id: "No Spaces", displayName: "x".repeat(257), port: 70_000, expireTime: new Date(Date.now() - 1), disabledReason: "a\nb" },
        "bad id",
      ),
    );
    assert.equal(failure.status, "INVALID_ARGUMENT");
    assert.equal(failure.code, "INVALID_REQUEST");
    assert.deepEqual(failure.fields.map(({ field }) => field).sort(), [
      "access_key.disabled_reason",
      "access_key.display_name",
      "access_key.expire_time",
      "access_key.id",
      "access_key.port",
      "request_id",
    ]);
  });

  for (const [name, key, field] of [
    ["a port that does not exist", { port: 9999 }, "access_key.port"],
    ["a pre-shared key of the wrong length", { port: 9022, secret: Buffer.alloc(32).toString("base64") }, "access_key.secret"],
    [
      "a chain of keys",
      { port: 9022, secret: `${Buffer.alloc(16).toString("base64")}:${Buffer.alloc(16, 1).toString("base64")}` },
      "access_key.secret",
    ],
    ["a secret that another key of the port has", { port: 9001, secret: "correct horse" }, "access_key.secret"],
    ["a secret with control characters", { port: 9001, secret: "a\0b" }, "access_key.secret"],
    [
      "an end before the start",
      { startTime: new Date(Date.now() + 2 * HOUR_MS), expireTime: new Date(Date.now() + HOUR_MS) },
      "access_key.expire_time",
    ],
  ] as const) {
    it(`refuse ${name}`, async () => {
      const failure = await failureOf(create(key));
      assert.equal(failure.status, "INVALID_ARGUMENT");
      assert.deepEqual(
        failure.fields.map((violation) => violation.field),
        [field],
      );
      assert.ok(!failure.message.includes("correct horse"), "the message quotes a secret");
    });
  }

  it("refuse a taken id", async () => {
    await create({ id: "taken" });
    const failure = await failureOf(create({ id: "taken" }));
    assert.equal(failure.status, "ALREADY_EXISTS");
    assert.deepEqual(
      failure.fields.map(({ field }) => field),
      ["access_key.id"],
    );
  });

  for (const [port, method] of [
    [9023, "SIP022 without identity headers"],
    [9024, "stream ciphers"],
  ] as const) {
    it(`are one a port with ${method}`, async () => {
      const both = await Promise.allSettled([create({ port }), create({ port })]);
      const failed = both.filter(({ status }) => status === "rejected");
      assert.equal(failed.length, 1, "exactly one of two at once");
      const failure = await failureOf(create({ port }));
      assert.equal(failure.code, "IN_USE");
      assert.equal(failure.status, "FAILED_PRECONDITION");
    });
  }

  it("are updated by field mask, and only in what it names", async () => {
    const { accessKey } = await create({ id: "masked", displayName: "before" });
    const changed = AccessKey.fromPartial({ id: "masked", displayName: "ignored", disabled: true, disabledReason: "unpaid" });
    const { accessKey: updated } = await call(fleet.clients.keys, "updateAccessKey", {
      accessKey: changed,
      updateMask: ["disabled_reason", "disabled"],
    });
    assert.deepEqual(
      [updated!.displayName, updated!.disabled, updated!.disabledReason, updated!.state],
      ["before", true, "unpaid", AccessKeyState.ACCESS_KEY_STATE_DISABLED],
    );
    assert.ok(updated!.resourceVersion > accessKey!.resourceVersion);
    assert.ok(updated!.updateTime! >= accessKey!.updateTime!);
    const on = AccessKey.fromPartial({ id: "masked", disabled: false });
    const { accessKey: enabled } = await call(fleet.clients.keys, "updateAccessKey", { accessKey: on, updateMask: ["disabled"] });
    assert.deepEqual([enabled!.state, enabled!.disabledReason], [AccessKeyState.ACCESS_KEY_STATE_ACTIVE, ""]);
  });

  it("can be given an end and have it taken away", async () => {
    await create({ id: "ending" });
    const past = AccessKey.fromPartial({ id: "ending", expireTime: new Date(Date.now() - 1) });
    const { accessKey: ended } = await call(fleet.clients.keys, "updateAccessKey", { accessKey: past, updateMask: ["expire_time"] });
    assert.equal(ended!.state, AccessKeyState.ACCESS_KEY_STATE_EXPIRED);
    const open = AccessKey.fromPartial({ id: "ending" });
    const { accessKey } = await call(fleet.clients.keys, "updateAccessKey", { accessKey: open, updateMask: ["expire_time"] });
    assert.deepEqual([accessKey!.state, accessKey!.expireTime], [AccessKeyState.ACCESS_KEY_STATE_ACTIVE, undefined]);
  });

  it("refuse masks that name nothing or what cannot be changed", async () => {
    await create({ id: "stiff" });
    const accessKey = AccessKey.fromPartial({ id: "stiff" });
    for (const updateMask of [[], ["port"], ["display_name", "secret"], ["constructor"], ["__proto__"]]) {
      const failure = await failureOf(call(fleet.clients.keys, "updateAccessKey", { accessKey, updateMask }));
      assert.equal(failure.code, "INVALID_REQUEST", String(updateMask));
      assert.deepEqual([...new Set(failure.fields.map(({ field }) => field))], ["update_mask"]);
    }
    assert.equal(
      (await failureOf(call(fleet.clients.keys, "updateAccessKey", { updateMask: ["disabled"] }))).fields[0]!.field,
      "access_key.id",
    );
  });

  it("refuse changes and deletions of a version that is not the current one", async () => {
    const { accessKey } = await create({ id: "versioned" });
    const old = accessKey!.resourceVersion;
    const update = (resourceVersion: bigint) =>
      call(fleet.clients.keys, "updateAccessKey", {
        accessKey: AccessKey.fromPartial({ id: "versioned", displayName: "x", resourceVersion }),
        updateMask: ["display_name"],
      });
    const { accessKey: updated } = await update(old);
    assert.equal((await failureOf(update(old))).status, "ABORTED");
    const failure = await failureOf(call(fleet.clients.keys, "deleteAccessKey", { id: "versioned", resourceVersion: old }));
    assert.equal(failure.code, "VERSION_CONFLICT");
    await call(fleet.clients.keys, "deleteAccessKey", { id: "versioned", resourceVersion: updated!.resourceVersion });
    assert.equal((await failureOf(call(fleet.clients.keys, "getAccessKey", { id: "versioned" }))).status, "NOT_FOUND");
  });

  it("of concurrent updates of one version let exactly one through", async () => {
    const { accessKey } = await create({ id: "contended" });
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) =>
        call(fleet.clients.keys, "updateAccessKey", {
          accessKey: { ...accessKey!, displayName: `n${index}` },
          updateMask: ["display_name"],
        }),
      ),
    );
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
    const failures = await Promise.all(
      results.flatMap((result) => (result.status === "rejected" ? [failureOf(Promise.reject(result.reason))] : [])),
    );
    assert.deepEqual(new Set(failures.map(({ status }) => status)), new Set(["ABORTED"]));
  });

  it("without a version let every concurrent update through, none lost", async () => {
    await create({ id: "merged" });
    await Promise.all([
      call(fleet.clients.keys, "updateAccessKey", {
        accessKey: AccessKey.fromPartial({ id: "merged", displayName: "name" }),
        updateMask: ["display_name"],
      }),
      call(fleet.clients.keys, "updateAccessKey", {
        accessKey: AccessKey.fromPartial({ id: "merged", disabled: true }),
        updateMask: ["disabled"],
      }),
      call(fleet.clients.keys, "updateAccessKey", {
        accessKey: AccessKey.fromPartial({ id: "merged", startTime: new Date(0) }),
        updateMask: ["start_time"],
      }),
    ]);
    const shown = await get("merged");
    assert.deepEqual([shown.displayName, shown.disabled], ["name", true]);
  });

  it("are created once for one request id, whatever the arguments of the repetition", async () => {
    const first = await create({ port: 9001, secret: "only once" }, "request-1");
    const again = await create({ port: 9001, secret: "only once" }, "request-1");
    assert.deepEqual(again, first);
    const both = await Promise.all([create({}, "request-2"), create({}, "request-2")]);
    assert.deepEqual(both[0], both[1]);
    // Another method's ids are its own.
    const { port } = await call(fleet.clients.ports, "createPort", { port: Port.fromPartial({ port: 9100 }), requestId: "request-1" });
    assert.equal(port!.port, 9100);
  });

  it("rotate with an overlap in which the old secret is kept, and without", async () => {
    const { accessKey } = await create({ id: "rotating", port: 9001 });
    const overlap = { seconds: 60n, nanos: 0 };
    const rotated = await call(fleet.clients.keys, "rotateSecret", { id: "rotating", overlap, requestId: "rotation-1" });
    assert.notEqual(rotated.accessKey!.secret, accessKey!.secret);
    assert.ok(Math.abs(rotated.accessKey!.overlap!.expireTime!.getTime() - Date.now() - 60_000) < 5_000);
    assert.equal(rotated.accessKey!.overlap!.oldSecretLastUsedTime, undefined);
    const again = await call(fleet.clients.keys, "rotateSecret", { id: "rotating", overlap, requestId: "rotation-1" });
    assert.equal(again.accessKey!.secret, rotated.accessKey!.secret);
    const taken = await failureOf(create({ port: 9001, secret: accessKey!.secret }));
    assert.deepEqual(
      taken.fields.map(({ field }) => field),
      ["access_key.secret"],
      "the old secret is still in use",
    );
    const cut = await call(fleet.clients.keys, "rotateSecret", { id: "rotating", secret: "brand new" });
    assert.deepEqual([cut.accessKey!.secret, cut.accessKey!.overlap], ["brand new", undefined]);
    assert.ok(parseAccessUri(cut.accessUri).ok);
  });

  it("refuse rotations that cannot be", async () => {
    const { accessKey } = await create({ id: "stubborn", port: 9001, secret: "the secret" });
    const rotate = (request: object) => failureOf(call(fleet.clients.keys, "rotateSecret", { id: "stubborn", ...request }));
    assert.equal(accessKey!.id, "stubborn");
    const both = await rotate({ secret: "the secret", overlap: { seconds: -1n, nanos: 0 } });
    assert.deepEqual(
      both.fields.map(({ field }) => field),
      ["overlap", "secret"],
    );
    const [single] = (await call(fleet.clients.keys, "listAccessKeys", { port: 9023 })).accessKeys;
    const overlap = { seconds: 60n, nanos: 0 };
    assert.equal((await rotate({ id: single!.id, overlap })).fields[0]!.field, "overlap");
    assert.equal((await rotate({ id: "nobody" })).status, "NOT_FOUND");
  });

  it("give their URI with another host when asked", async () => {
    await create({ id: "linked", displayName: "Linked One" });
    const uri = async (host: string) => (await call(fleet.clients.keys, "getAccessUri", { id: "linked", host })).accessUri;
    assert.match(await uri(""), /@relay\.example:8388#Linked%20One$/);
    assert.match(await uri("2001:db8::1"), /@\[2001:db8::1\]:8388#/);
    assert.equal((await failureOf(uri("no host"))).fields[0]!.field, "host");
  });

  it("are not found where there are none", async () => {
    for (const method of ["getAccessKey", "deleteAccessKey", "rotateSecret", "getAccessUri"] as const) {
      assert.equal((await failureOf(call(fleet.clients.keys, method, { id: "nobody" }))).status, "NOT_FOUND", method);
    }
    const update = { accessKey: AccessKey.fromPartial({ id: "nobody" }), updateMask: ["disabled"] };
    assert.equal((await failureOf(call(fleet.clients.keys, "updateAccessKey", update))).status, "NOT_FOUND");
  });
});

describe("ten thousand access keys", () => {
  it("come in pages, each once and in order, also while others come and go", async () => {
    await using fleet = await startManagement();
    await call(fleet.clients.ports, "createPort", { port: Port.fromPartial({ port: 9001 }) });
    const nowMs = Date.now();
    const records = Array.from({ length: 10_000 }, (_, index) => ({
      ...{
        id: `user-${String(index).padStart(5, "0")}`,
        displayName: "",
        port: 9001,
        secret: `secret ${index}`,
        previousSecret: undefined,
      },
      ...{ disabled: false, disabledReason: "", startsAtMs: undefined, expiresAtMs: undefined, createdAtMs: nowMs, updatedAtMs: nowMs },
    }));
    for (let at = 0; at < records.length; at += 1_000) {
      const puts = records.slice(at, at + 1_000).map((record) => ({ kind: "key" as const, record }));
      await fleet.store.write({ puts, deletes: [], expect: [], requestId: undefined, response: "" });
    }
    await call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id: "zzz" }) });
    const seen: string[] = [];
    let pages = 0;
    for (let pageToken = ""; pageToken !== "" || pages === 0; pages++) {
      const page = await call(fleet.clients.keys, "listAccessKeys", { pageSize: 5_000, pageToken, port: 9001 });
      assert.ok(page.accessKeys.length <= 1_000);
      seen.push(...page.accessKeys.map(({ id }) => id));
      if (pages === 2) {
        await call(fleet.clients.keys, "deleteAccessKey", { id: seen.at(-1)! });
        await call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id: "aaa", port: 9001 }) });
      }
      pageToken = page.nextPageToken;
    }
    assert.equal(pages, 10);
    assert.deepEqual(
      seen,
      records.map(({ id }) => id),
    );
    const { accessKeys } = await call(fleet.clients.keys, "listAccessKeys", {});
    assert.equal(accessKeys.length, 100);
    for (const bad of [{ pageToken: "garbage" }, { pageSize: -1 }, { port: 70_000 }]) {
      assert.equal((await failureOf(call(fleet.clients.keys, "listAccessKeys", bad))).code, "INVALID_REQUEST");
    }
  });
});
