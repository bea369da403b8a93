import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import {
  AccessKey,
  AccessKeyState,
  GetAccessKeyResponse,
  AccessKeyServiceService as Keys,
  ListAccessKeysResponse,
  RotateSecretResponse,
  UpdateAccessKeyResponse,
} from "@shadowfleet/control-api";
import { ALICE_DOCUMENT, alice, DAY_MS, URI } from "./alice.ts";
import { documentOf, NOW_MS, runAgainst } from "./command.ts";
import { FakeFleet } from "./fake-fleet.ts";

describe("key", () => {
  let fleet: FakeFleet;
  beforeEach(async () => {
    fleet = await FakeFleet.start();
    fleet.answer(Keys.updateAccessKey, () => UpdateAccessKeyResponse.fromPartial({ accessKey: alice }));
    fleet.answer(Keys.deleteAccessKey, () => ({}));
  });
  afterEach(() => fleet[Symbol.asyncDispose]());

  test("list reads every page", async () => {
    const pages = new Map([
      ["", { accessKeys: [alice], nextPageToken: "p2" }],
      [
        "p2",
        { accessKeys: [{ ...alice, id: "bob", displayName: "李", state: AccessKeyState.ACCESS_KEY_STATE_EXPIRED }], nextPageToken: "" },
      ],
    ]);
    fleet.answer(Keys.listAccessKeys, ({ pageToken }) => ListAccessKeysResponse.fromPartial(pages.get(pageToken)!));
    const table = await runAgainst(fleet, ["key", "list", "--port", "8388"]);
    assert.equal(
      table.out,
      [
        "ID     NAME   PORT  METHOD                  STATE    EXPIRES  ORIGIN",
        "alice  Alice  8388  chacha20-ietf-poly1305  active   never    runtime",
        "bob    李     8388  chacha20-ietf-poly1305  expired  never    runtime",
        "",
      ].join("\n"),
    );
    assert.deepEqual(
      fleet.requestsOf(Keys.listAccessKeys).map(({ pageSize, pageToken, port }) => [pageSize, pageToken, port]),
      [
        [1000, "", 8388],
        [1000, "p2", 8388],
      ],
    );
    const json = documentOf(await runAgainst(fleet, ["key", "list", "-o", "json"])) as { accessKeys: { id: string }[] };
    assert.deepEqual(
      json.accessKeys.map(({ id }) => id),
      ["alice", "bob"],
    );
  });

  test("list of nothing says what to do, or is an empty document", async () => {
    fleet.answer(Keys.listAccessKeys, () => ListAccessKeysResponse.fromPartial({}));
    assert.match((await runAgainst(fleet, ["key", "list"])).out, /no access key yet: shadowfleet key create/);
    assert.deepEqual(documentOf(await runAgainst(fleet, ["key", "list", "-o", "json"])), { accessKeys: [] });
  });

  test("show tells who still uses the old secret", async () => {
    const overlap = { expireTime: new Date(NOW_MS + DAY_MS), oldSecretLastUsedTime: new Date(NOW_MS - 60_000) };
    fleet.answer(Keys.getAccessKey, () => GetAccessKeyResponse.fromPartial({ accessKey: { ...alice, overlap } }));
    const { out } = await runAgainst(fleet, ["key", "show", "alice"]);
    assert.match(out, /^id +alice$/m);
    assert.match(out, /^expires +never$/m);
    assert.match(out, /^old secret works until +\S+ \S+ \S+ \(in 1d\)$/m);
    assert.match(out, /^old secret last used +\S+ \S+ \S+ \(1m ago\)$/m);
    assert.deepEqual(documentOf(await runAgainst(fleet, ["key", "show", "alice", "-o", "json"])), {
      ...ALICE_DOCUMENT,
      overlap: { expireTime: "2026-11-24T00:00:00.000Z", oldSecretLastUsedTime: "2026-11-22T23:59:00.000Z" },
    });
  });

  test("show tells what a key may reach beyond others, and what it may not", async () => {
    const accessKey = { ...alice, allowTargets: ["10.0.0.0/8", "intra.example"], denyTargets: ["203.0.113.7"] };
    fleet.answer(Keys.getAccessKey, () => GetAccessKeyResponse.fromPartial({ accessKey }));
    const { out } = await runAgainst(fleet, ["key", "show", "alice"]);
    assert.match(out, /^may also reach +10\.0\.0\.0\/8, intra\.example$/m);
    assert.match(out, /^may not reach +203\.0\.113\.7$/m);
  });

  test("names cannot write to the terminal what they want", async () => {
    fleet.answer(Keys.getAccessKey, () =>
      GetAccessKeyResponse.fromPartial({ accessKey: { ...alice, displayName: "\u001b]0;gone\u0007" } }),
    );
    const { out } = await runAgainst(fleet, ["key", "show", "alice"], { isTerminal: true });
    assert.ok(!out.includes("\u001b"));
  });

  test("uri prints the URI and nothing else", async () => {
    fleet.answer(Keys.getAccessUri, () => ({ accessUri: URI }));
    const plain = await runAgainst(fleet, ["key", "uri", "alice", "--host", "relay.example"], { isTerminal: true });
    assert.equal(plain.out, `${URI}\n`);
    assert.deepEqual(fleet.requestOf(Keys.getAccessUri), { id: "alice", host: "relay.example" });
    assert.match((await runAgainst(fleet, ["key", "uri", "alice", "--qr"])).out, /[▀▄█]{10}/);
    assert.deepEqual(documentOf(await runAgainst(fleet, ["key", "uri", "alice", "-o", "json"])), { id: "alice", accessUri: URI });
  });

  const CHANGES: readonly (readonly [argv: string[], mask: string[], accessKey: Partial<AccessKey>])[] = [
    [["update", "alice", "--name", ""], ["display_name"], { displayName: "" }],
    [["update", "alice", "--expires", "1d"], ["expire_time"], { expireTime: new Date(NOW_MS + DAY_MS) }],
    [["update", "alice", "--no-expires", "--no-starts"], ["expire_time", "start_time"], {}],
    [
      ["update", "alice", "--allow-target", "10.0.0.0/8, intra.example", "--deny-target", "203.0.113.7"],
      ["allow_targets", "deny_targets"],
      { allowTargets: ["10.0.0.0/8", "intra.example"], denyTargets: ["203.0.113.7"] },
    ],
    [["update", "alice", "--deny-target", "none"], ["deny_targets"], {}],
    [["disable", "alice"], ["disabled", "disabled_reason"], { disabled: true }],
    [["disable", "alice", "--reason", "lost"], ["disabled", "disabled_reason"], { disabled: true, disabledReason: "lost" }],
    [["enable", "alice"], ["disabled", "disabled_reason"], {}],
  ];
  for (const [argv, mask, accessKey] of CHANGES) {
    test(`${argv.join(" ")} changes ${mask.join(", ")} only`, async () => {
      const { exitCode, out } = await runAgainst(fleet, ["key", ...argv]);
      assert.equal(exitCode, 0);
      assert.match(out, /^id +alice$/m);
      const request = fleet.requestOf(Keys.updateAccessKey);
      assert.deepEqual(request.updateMask, mask);
      assert.deepEqual(request.accessKey, AccessKey.fromPartial({ ...accessKey, id: "alice" }));
    });
  }

  for (const flags of [
    [],
    ["--deny-target", "10.0.0.1,,10.0.0.2"],
    ["--expires", "1d", "--no-expires"],
    ["--starts", "1d", "--no-starts"],
  ]) {
    test(`update ${flags.join(" ")} cannot be meant`, async () => {
      assert.equal((await runAgainst(fleet, ["key", "update", "alice", ...flags])).exitCode, 2);
      assert.equal(fleet.requestsOf(Keys.updateAccessKey).length, 0);
    });
  }

  test("rotate shows the new URI and how long the old one works", async () => {
    const overlap = { expireTime: new Date(NOW_MS + 5_400_000) };
    fleet.answer(Keys.rotateSecret, (request) =>
      RotateSecretResponse.fromPartial({ accessKey: { ...alice, ...(request.overlap ? { overlap } : {}) }, accessUri: URI }),
    );
    const withOverlap = await runAgainst(fleet, ["key", "rotate", "alice", "--overlap", "1.5h"]);
    assert.match(withOverlap.out, /new secret\.\nThe old one works until .* \(in 1h 30m\)\n\nss:/);
    assert.deepEqual(fleet.requestOf(Keys.rotateSecret).overlap, { seconds: 5400n, nanos: 0 });
    assert.match((await runAgainst(fleet, ["key", "rotate", "alice"])).out, /The old one works no more/);
    assert.equal((await runAgainst(fleet, ["key", "rotate", "alice", "--qr", "--no-qr"])).exitCode, 2);
    assert.equal(fleet.requestsOf(Keys.rotateSecret).length, 2, "nothing is rotated when the command line cannot be meant");
  });

  describe("delete", () => {
    test("asks on a terminal, and takes anything but yes as no", async () => {
      for (const [input, exitCode] of [
        ["y\n", 0],
        ["YES\n", 0],
        ["n\n", 1],
        ["\n", 1],
        ["", 1],
      ] as const) {
        const result = await runAgainst(fleet, ["key", "delete", "alice"], { isTerminal: true, input });
        assert.equal(result.exitCode, exitCode, JSON.stringify(input));
        assert.match(result.err, /Delete access key "alice" and end its sessions\? \[y\/N\]/);
      }
      assert.equal(fleet.requestsOf(Keys.deleteAccessKey).length, 2);
    });

    test("needs --yes where nobody can be asked", async () => {
      const refused = await runAgainst(fleet, ["key", "delete", "alice"]);
      assert.equal(refused.exitCode, 2);
      assert.match(refused.err, /say --yes/);
      assert.equal(fleet.requestsOf(Keys.deleteAccessKey).length, 0);
      assert.deepEqual(documentOf(await runAgainst(fleet, ["key", "delete", "alice", "--yes", "-o", "json"])), {
        id: "alice",
        deleted: true,
      });
    });
  });
});
