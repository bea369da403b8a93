import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import {
  AccessKey,
  AccessKeyState,
  CreateAccessKeyResponse,
  GetAccessKeyResponse,
  invalidRequest,
  AccessKeyServiceService as Keys,
  ListAccessKeysResponse,
  Origin,
  PortServiceService as Ports,
  RotateSecretResponse,
  RpcError,
  UpdateAccessKeyResponse,
} from "@shadowfleet/control-api";
import { documentOf, NOW_MS, runAgainst } from "./command.ts";
import { FakeFleet } from "./fake-fleet.ts";
import { ScratchFolder } from "./scratch-folder.ts";

const URI = "ss://Y2hhY2hhMjAtaWV0Zi1wb2x5MTMwNTpzZWNyZXQ@relay.example:8388#alice";
const DAY_MS = 86_400_000;

const alice = AccessKey.fromPartial({
  id: "alice",
  displayName: "Alice",
  port: 8388,
  method: "chacha20-ietf-poly1305",
  state: AccessKeyState.ACCESS_KEY_STATE_ACTIVE,
  createTime: new Date(NOW_MS - DAY_MS),
  updateTime: new Date(NOW_MS),
  resourceVersion: 2n ** 60n,
  origin: Origin.ORIGIN_RUNTIME,
});
const ALICE_DOCUMENT = {
  id: "alice",
  displayName: "Alice",
  port: 8388,
  method: "chacha20-ietf-poly1305",
  state: "active",
  disabled: false,
  disabledReason: "",
  startTime: null,
  expireTime: null,
  createTime: "2026-11-22T00:00:00.000Z",
  updateTime: "2026-11-23T00:00:00.000Z",
  resourceVersion: 2 ** 60,
  origin: "runtime",
  overlap: null,
};

describe("key", () => {
  let fleet: FakeFleet;
  beforeEach(async () => {
    fleet = await FakeFleet.start();
    fleet.answer(Keys.createAccessKey, () =>
      CreateAccessKeyResponse.fromPartial({ accessKey: { ...alice, secret: "secret" }, accessUri: URI }),
    );
    fleet.answer(Keys.updateAccessKey, () => UpdateAccessKeyResponse.fromPartial({ accessKey: alice }));
    fleet.answer(Keys.deleteAccessKey, () => ({}));
  });
  afterEach(() => fleet[Symbol.asyncDispose]());

  describe("create", () => {
    test("asks for nothing but a name, and prints id and URI on lines of their own", async () => {
      const { exitCode, out, err } = await runAgainst(fleet, ["key", "create", "alice"]);
      assert.deepEqual([exitCode, err], [0, ""]);
      assert.equal(out, `Access key alice on port 8388, chacha20-ietf-poly1305\n\n${URI}\n`);
      const { accessKey, requestId } = fleet.requestOf(Keys.createAccessKey);
      assert.deepEqual(accessKey, AccessKey.fromPartial({ id: "alice", displayName: "alice" }));
      assert.match(requestId, /^[0-9a-f-]{36}$/);
    });

    test("a name that cannot be an id leaves the id to management", async () => {
      await runAgainst(fleet, ["key", "create", "Alice Smith"]);
      assert.deepEqual(fleet.requestOf(Keys.createAccessKey).accessKey, AccessKey.fromPartial({ displayName: "Alice Smith" }));
    });

    test("takes everything from flags, the secret from a file", async () => {
      using folder = new ScratchFolder();
      const file = folder.write("secret", "correct horse\n");
      const flags = ["--id", "a1", "--port", "9000", "--secret-file", file, "--starts", "1d", "--expires", "2027-01-31T18:00Z"];
      await runAgainst(fleet, ["key", "create", "Alice", ...flags]);
      assert.deepEqual(
        fleet.requestOf(Keys.createAccessKey).accessKey,
        AccessKey.fromPartial({
          id: "a1",
          displayName: "Alice",
          port: 9000,
          secret: "correct horse",
          startTime: new Date(NOW_MS + DAY_MS),
          expireTime: new Date("2027-01-31T18:00Z"),
        }),
      );
    });

    test("- is standard input", async () => {
      await runAgainst(fleet, ["key", "create", "--secret-file", "-"], { input: "from stdin\r\n" });
      assert.equal(fleet.requestOf(Keys.createAccessKey).accessKey?.secret, "from stdin");
    });

    test("a secret that is not there ends it before anything is created", async () => {
      const absent = await runAgainst(fleet, ["key", "create", "--secret-file", "/nonexistent/secret"]);
      const empty = await runAgainst(fleet, ["key", "create", "--secret-file", "-"], { input: "\n" });
      assert.deepEqual([absent.exitCode, empty.exitCode], [1, 1]);
      assert.match(absent.err, /\/nonexistent\/secret cannot be read: ENOENT/);
      assert.match(empty.err, /standard input is empty/);
      assert.equal(fleet.requestsOf(Keys.createAccessKey).length, 0);
    });

    test("on a terminal there is a QR code, unless refused or too wide; elsewhere only when asked for", async () => {
      const isDrawn = ({ out }: { readonly out: string }): boolean => /[▀▄█]{10}/.test(out);
      assert.ok(isDrawn(await runAgainst(fleet, ["key", "create"], { isTerminal: true })));
      assert.ok(!isDrawn(await runAgainst(fleet, ["key", "create", "--no-qr"], { isTerminal: true })));
      assert.ok(!isDrawn(await runAgainst(fleet, ["key", "create"])));
      assert.ok(isDrawn(await runAgainst(fleet, ["key", "create", "--qr"])));
      assert.ok(!isDrawn(await runAgainst(fleet, ["key", "create", "-o", "json", "--qr"], { isTerminal: true })));
      const narrow = await runAgainst(fleet, ["key", "create"], { isTerminal: true, columns: 20 });
      assert.ok(!isDrawn(narrow));
      assert.match(narrow.err, /too narrow for the QR code/);
    });

    test("as JSON it is one document, without the secret but in the URI", async () => {
      const result = await runAgainst(fleet, ["key", "create", "alice", "-o", "json"], { isTerminal: true });
      assert.deepEqual(documentOf(result), { accessKey: ALICE_DOCUMENT, accessUri: URI });
      assert.match(result.out, /"resourceVersion": 1152921504606846976,/);
    });

    test("says when it begins and ends to work", async () => {
      const limited = { ...alice, startTime: new Date(NOW_MS + DAY_MS), expireTime: new Date(NOW_MS + 2 * DAY_MS) };
      fleet.answer(Keys.createAccessKey, () => CreateAccessKeyResponse.fromPartial({ accessKey: limited, accessUri: URI }));
      const { out } = await runAgainst(fleet, ["key", "create", "--starts", "1d", "--expires", "2d"]);
      assert.match(out, /^Works from 2026-11-2\d .* \(in 1d\)\nWorks until 2026-11-2\d .* \(in 2d\)\n/m);
    });

    for (const flags of [
      ["--method", "aes-256-gcm"],
      ["--qr", "--no-qr"],
      ["--starts", "2d", "--expires", "1d"],
    ]) {
      test(`${flags.join(" ")} cannot be meant`, async () => {
        const { exitCode, err } = await runAgainst(fleet, ["key", "create", ...flags]);
        assert.equal(exitCode, 2);
        assert.match(err, /See: shadowfleet key create --help/);
        assert.equal(fleet.requestsOf(Keys.createAccessKey).length, 0);
      });
    }
  });

  describe("create with a method", () => {
    const command = ["key", "create", "bob", "--port", "8389", "--method", "aes-256-gcm"];

    test("creates the port where there is none", async () => {
      fleet.answer(Ports.getPort, () => {
        throw new RpcError("NOT_FOUND", "there is no port 8389");
      });
      fleet.answer(Ports.createPort, ({ port }) => ({ port: { ...port!, bindings: [{ memberId: "r1", bound: true, error: "" }] } }));
      const { exitCode, err } = await runAgainst(fleet, command);
      assert.deepEqual([exitCode, err], [0, ""]);
      const { port } = fleet.requestOf(Ports.createPort);
      assert.deepEqual([port?.port, port?.method], [8389, "aes-256-gcm"]);
      assert.equal(fleet.requestOf(Keys.createAccessKey).accessKey?.port, 8389);
    });

    test("uses a port that has it, refuses one that has another", async () => {
      const methods = ["aes-256-gcm", "aes-128-gcm"];
      fleet.answer(Ports.getPort, ({ port }) => ({ port: { ...emptyPort, port, method: methods.shift() ?? "" } }));
      assert.equal((await runAgainst(fleet, command)).exitCode, 0);
      const refused = await runAgainst(fleet, command);
      assert.equal(refused.exitCode, 1);
      assert.match(refused.err, /port 8389 is there already, with aes-128-gcm/);
      assert.equal(fleet.requestsOf(Keys.createAccessKey).length, 1);
      assert.equal(fleet.requestsOf(Ports.createPort).length, 0);
    });

    test("creates no key on a port that a relay cannot bind", async () => {
      fleet.answer(Ports.getPort, () => {
        throw new RpcError("NOT_FOUND", "there is no port 8389");
      });
      const bindings = [
        { memberId: "r1", bound: true, error: "" },
        { memberId: "r2", bound: false, error: "EADDRINUSE" },
      ];
      fleet.answer(Ports.createPort, ({ port }) => ({ port: { ...port!, bindings } }));
      const { exitCode, err } = await runAgainst(fleet, command);
      assert.equal(exitCode, 1);
      assert.match(err, /\(BIND_FAILED\)\n {2}r2: EADDRINUSE\n {2}.*shadowfleet port delete 8389/);
      assert.equal(fleet.requestsOf(Keys.createAccessKey).length, 0);
    });
  });

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

  for (const flags of [[], ["--expires", "1d", "--no-expires"], ["--starts", "1d", "--no-starts"]]) {
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

  test("a refused request names code and fields", async () => {
    fleet.answer(Keys.createAccessKey, () => {
      throw invalidRequest([
        { field: "access_key.id", description: "must be lower-case" },
        { field: "access_key.port", description: "must be 1 to 65535" },
      ]);
    });
    const text = await runAgainst(fleet, ["key", "create", "--id", "ALICE"]);
    assert.equal(text.exitCode, 1);
    assert.equal(
      text.err,
      "shadowfleet: the request has wrong fields (INVALID_REQUEST)\n  access_key.id: must be lower-case\n  access_key.port: must be 1 to 65535\n",
    );
    const json = await runAgainst(fleet, ["key", "create", "--id", "ALICE", "-o", "json"]);
    assert.deepEqual([json.exitCode, json.out], [1, ""]);
    assert.deepEqual(JSON.parse(json.err), {
      error: {
        code: "INVALID_REQUEST",
        message: "access_key.id: must be lower-case; access_key.port: must be 1 to 65535",
        fields: [
          { field: "access_key.id", description: "must be lower-case" },
          { field: "access_key.port", description: "must be 1 to 65535" },
        ],
        hints: [],
      },
    });
  });
});

const emptyPort = {
  host: "::",
  insecure: false,
  origin: Origin.ORIGIN_RUNTIME,
  resourceVersion: 1n,
  createTime: undefined,
  bindings: [],
  accessKeyCount: 0,
};
