import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AccessKey } from "@shadowfleet/control-api";
import { ConfigError } from "@shadowfleet/runtime";
import { MAX_TARGETS, targetListProblems } from "../src/domain/target-list.ts";
import { call, failureOf, type ManagementFixture, managementConfig, member, startManagement } from "./management-fixture.ts";
import { MemberDouble } from "./relay-double.ts";

const ALLOW = ["10.1.0.0/16", "fd00::/8", "127.0.0.1", "intra.example"];
const DENY = ["203.0.113.7", "2001:db8::/32", "::ffff:10.0.0.0/104"];

describe("lists of targets of an access key", () => {
  let fleet: ManagementFixture;
  before(async () => {
    fleet = await startManagement();
  });
  after(() => fleet[Symbol.asyncDispose]());

  const create = (key: Partial<AccessKey>) => call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial(key) });
  const update = (key: Partial<AccessKey>, updateMask: string[]) =>
    call(fleet.clients.keys, "updateAccessKey", { accessKey: AccessKey.fromPartial(key), updateMask });
  const listsOf = async (id: string) => {
    const { accessKey } = await call(fleet.clients.keys, "getAccessKey", { id });
    return [accessKey?.allowTargets, accessKey?.denyTargets];
  };

  it("are kept, shown, changed one by one, and told to relays", async () => {
    await create({ id: "anna", allowTargets: ALLOW, denyTargets: DENY });
    assert.deepEqual(await listsOf("anna"), [ALLOW, DENY]);
    using relay = new MemberDouble(fleet.clients.config, member("relay-1"));
    await relay.until("anna", () => relay.keys.has("anna"));
    assert.deepEqual([relay.keys.get("anna")?.allowTargets, relay.keys.get("anna")?.denyTargets], [ALLOW, DENY]);
    await update({ id: "anna", allowTargets: ["10.2.0.0/16"] }, ["allow_targets"]);
    assert.deepEqual(await listsOf("anna"), [["10.2.0.0/16"], DENY]);
    await update({ id: "anna" }, ["deny_targets"]);
    await relay.until("the change", () => relay.keys.get("anna")?.denyTargets.length === 0);
    assert.deepEqual(relay.keys.get("anna")?.allowTargets, ["10.2.0.0/16"]);
    await create({ id: "boris" });
    assert.deepEqual(await listsOf("boris"), [[], []]);
  });

  it("are refused with the entry that is wrong, when created and when changed", async () => {
    const refused = await failureOf(create({ id: "carol", allowTargets: ["10.0.0.1", "10.0.0.0/33"], denyTargets: ["a.example"] }));
    assert.equal(refused.code, "INVALID_REQUEST");
    assert.deepEqual(
      refused.fields.map(({ field, description }) => [field, description.slice(0, 12)]),
      [
        ["access_key.allow_targets", "entry 2 must"],
        ["access_key.deny_targets", "entry 1 must"],
      ],
    );
    const changed = await failureOf(update({ id: "anna", denyTargets: ["::1%lo"] }, ["deny_targets"]));
    assert.deepEqual(
      changed.fields.map(({ field }) => field),
      ["access_key.deny_targets"],
    );
  });

  it("are declared in a file as well", () => {
    const key = { id: "anna", port: 8388, secret: "a secret", targets: { allow: ["10.0.0.0/8"], deny: ["10.9.0.0/16"] } };
    const declared = { ports: [{ port: 8388 }], keys: [key] };
    const record = managementConfig({ declared }).declared.keys.get("anna")?.record;
    assert.deepEqual([record?.allowTargets, record?.denyTargets], [["10.0.0.0/8"], ["10.9.0.0/16"]]);
    const wrong = { ...declared, keys: [{ ...key, targets: { deny: ["intra.example"] } }] };
    assert.throws(
      () => managementConfig({ declared: wrong }),
      (error: ConfigError) => error instanceof ConfigError && /declared\.keys\[0\]\.targets\.deny: entry 1 must be/.test(error.message),
    );
  });
});

describe("a list of targets", () => {
  it("has blocks, addresses and, to allow, names", () => {
    for (const target of ["10.0.0.1", "0.0.0.0/0", "::/0", "fd00::/8", "::ffff:1.2.3.4", "::ffff:0:0/96"]) {
      assert.deepEqual([targetListProblems([target], "allow"), targetListProblems([target], "deny")], [[], []], target);
    }
    assert.deepEqual(targetListProblems(["a.example"], "allow"), []);
    for (const target of [
      "",
      "/8",
      "10.0.0.0/",
      "10.0.0.0/33",
      "::/129",
      "::ffff:0:0/95",
      "[::1]",
      "::1%lo",
      "127.1",
      "a.example/8",
      "a b",
    ]) {
      assert.equal(targetListProblems([target], "allow").length, 1, target);
    }
  });

  it("is bounded", () => {
    const many = Array.from({ length: MAX_TARGETS + 1 }, (_, n) => `10.0.0.${n}`);
    assert.deepEqual(targetListProblems(many.slice(1), "deny"), []);
    assert.deepEqual(targetListProblems(many, "deny"), [`has at most ${MAX_TARGETS} entries`]);
  });
});
