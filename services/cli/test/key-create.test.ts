import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import {
  AccessKey,
  CreateAccessKeyResponse,
  invalidRequest,
  AccessKeyServiceService as Keys,
  Origin,
  PortServiceService as Ports,
  RpcError,
} from "@shadowfleet/control-api";
import { ALICE_DOCUMENT, alice, DAY_MS, URI } from "./alice.ts";
import { documentOf, NOW_MS, runAgainst } from "./command.ts";
import { FakeFleet } from "./fake-fleet.ts";
import { ScratchFolder } from "./scratch-folder.ts";

const emptyPort = {
  host: "::",
  insecure: false,
  origin: Origin.ORIGIN_RUNTIME,
  resourceVersion: 1n,
  createTime: undefined,
  bindings: [],
  accessKeyCount: 0,
};

describe("key create", () => {
  let fleet: FakeFleet;
  beforeEach(async () => {
    fleet = await FakeFleet.start();
    fleet.answer(Keys.createAccessKey, () =>
      CreateAccessKeyResponse.fromPartial({ accessKey: { ...alice, secret: "secret" }, accessUri: URI }),
    );
  });
  afterEach(() => fleet[Symbol.asyncDispose]());

  describe("by itself", () => {
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
      const { lines } = (await runAgainst(fleet, ["key", "create"], { isTerminal: true })).terminal;
      const drawn = lines.slice(lines.indexOf(URI) + 2);
      assert.ok(
        drawn.every((line) => line.startsWith("\u001b[30;107m ") && line.endsWith(" \u001b[0m")),
        "dark on light in any theme",
      );
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

  describe("with a method", () => {
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
