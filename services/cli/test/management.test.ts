import assert from "node:assert/strict";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { eventually, runProgram } from "@shadowfleet/testkit";
import { parseAccessUri } from "@shadowfleet/wire";
import { runCommand } from "../src/run.ts";
import type { CommandResult } from "./command.ts";
import { FakeTerminal } from "./fake-terminal.ts";
import { Managed } from "./managed.ts";
import { ScratchFolder } from "./scratch-folder.ts";

const MAIN = join(import.meta.dirname, "../src/main.ts");

describe("with the real management", () => {
  let fleet: Managed;
  beforeEach(async () => {
    fleet = await new Managed().start();
  });
  afterEach(() => fleet[Symbol.asyncDispose]());

  test("an access key lives from create to delete", async () => {
    interface Created {
      readonly accessKey: { readonly id: string; readonly port: number; readonly method: string };
      readonly accessUri: string;
    }
    const created = await fleet.ask<Created>("key", "create", "alice", "--expires", "90d");
    assert.equal(created.accessKey.id, "alice");
    const uri = parseAccessUri(created.accessUri);
    assert.ok(uri.ok);
    assert.deepEqual([uri.uri.host, uri.uri.port, uri.uri.method], ["relay.example", created.accessKey.port, created.accessKey.method]);
    assert.equal((await fleet.ask<Created>("key", "uri", "alice")).accessUri, created.accessUri);
    assert.match((await fleet.run(["key", "list"])).out, /^alice +alice +8388 +chacha20-ietf-poly1305 +active +2\d{3}-/m);

    assert.equal((await fleet.ask("key", "update", "alice", "--name", "Alice Smith", "--no-expires")).expireTime, null);
    const disabled = await fleet.ask("key", "disable", "alice", "--reason", "lost");
    assert.deepEqual([disabled.state, disabled.disabledReason, disabled.displayName], ["disabled", "lost", "Alice Smith"]);
    assert.equal((await fleet.ask("key", "enable", "alice")).state, "active");

    const rotated = await fleet.ask<Created>("key", "rotate", "alice", "--overlap", "1h");
    assert.notEqual(rotated.accessUri, created.accessUri);
    assert.match(
      (await fleet.run(["key", "show", "alice"])).out,
      /^old secret works until .*\(in (1h|59m 5\ds)\)\nold secret last used +not since/m,
    );

    assert.deepEqual(await fleet.ask("key", "delete", "alice", "--yes"), { id: "alice", deleted: true });
    const gone = await fleet.run(["key", "show", "alice"]);
    assert.equal(gone.exitCode, 1);
    assert.match(gone.err, /\(NOT_FOUND\)/);
  });

  test("a given secret is the one in the URI", async () => {
    const { out } = await fleet.run(["key", "create", "--secret-file", "-"], { input: "correct-horse-battery\n" });
    const uri = parseAccessUri(/^ss:.*$/m.exec(out)?.[0] ?? "");
    assert.ok(uri.ok);
    assert.equal(uri.uri.password, "correct-horse-battery");
  });

  test("what management refuses names code and field", async () => {
    const badId = await fleet.run(["key", "create", "--id", "NOT AN ID"]);
    assert.equal(badId.exitCode, 1);
    assert.match(badId.err, /^shadowfleet: .*\(INVALID_REQUEST\)\n {2}access_key\.id: /);
    await fleet.run(["key", "create", "alice"]);
    const again = await fleet.run(["key", "create", "alice"]);
    assert.equal(again.exitCode, 1);
    assert.match(again.err, /\(ALREADY_EXISTS\)/);
    const nowhere = await fleet.run(["key", "create", "bob", "--port", "9999"]);
    assert.equal(nowhere.exitCode, 1);
    assert.match(nowhere.err, /access_key\.port|NOT_FOUND|port 9999/);
  });

  test("a key with a method of its own brings its port; the port goes only with its keys", async () => {
    await fleet.ask("key", "create", "bob", "--port", "8390", "--method", "2022-blake3-aes-256-gcm");
    await fleet.ask("key", "create", "carol", "--port", "8390", "--method", "2022-blake3-aes-256-gcm");
    assert.match((await fleet.run(["port", "list"])).out, /^8390 +:: +2022-blake3-aes-256-gcm +2 +- +runtime$/m);
    const refused = await fleet.run(["port", "delete", "8390"]);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.err, /\(IN_USE\)\n {2}.*shadowfleet port delete 8390 --force/);
    await fleet.ask("port", "delete", "8390", "--force");
    assert.deepEqual(await fleet.ask("key", "list"), { accessKeys: [] });
  });

  test("bind errors of the relays come back with port create", async () => {
    await fleet.report("relay-1", []);
    await fleet.report("relay-2", []);
    const creating = fleet.run(["port", "create", "8391"]);
    await eventually("the port", async () => (await fleet.store.readState()).ports.has(8391));
    await fleet.report("relay-1", [{ port: 8391, bound: true, error: "" }]);
    await fleet.report("relay-2", [{ port: 8391, bound: false, error: "EADDRINUSE" }]);
    const { exitCode, out, err } = await creating;
    assert.equal(exitCode, 1, err);
    assert.match(out, /^relay-1 +yes\nrelay-2 +no +EADDRINUSE$/m);
    assert.match(err, /\(BIND_FAILED\)\n {2}relay-2: EADDRINUSE/);
  });

  test("upstreams: added from a key's URI, failing, explained, reset, deleted", async () => {
    const { out: uri } = await fleet.run(["key", "create", "gateway", "--no-qr"]);
    const added = await fleet.run(["upstream", "add", "-", "--id", "r1"], { input: /^ss:.*$/m.exec(uri)?.[0] ?? "" });
    assert.equal(added.exitCode, 0, added.err);
    for (let failures = 0; failures < 3; failures++) await fleet.store.addFailure("r1");
    await eventually("the failures", async () => {
      const { upstreams } = await fleet.ask<{ upstreams: { failCount: number }[] }>("upstream", "list");
      return upstreams[0]?.failCount === 3;
    });
    assert.match((await fleet.run(["upstream", "explain"])).out, /^r1 +3 +4\.3 % +100 % +\S/m);
    assert.equal((await fleet.ask("upstream", "reset", "r1")).failCount, 0);
    await fleet.ask("upstream", "delete", "r1");
    assert.deepEqual(await fleet.ask("upstream", "list"), { upstreams: [] });
  });

  test("traffic is exact, in all, by hour, since a reset, and live", async () => {
    const delta = { keyId: "alice", port: 8388, tcpUp: 1001, tcpDown: 2 ** 50 + 1, udpUp: 3, udpDown: 4 };
    const batch = (sequence: number) => ({ memberId: "relay-1", epoch: "e1", sequence, atMs: Date.now(), deltas: [delta] });
    await fleet.store.applyTraffic(batch(1));
    const sum = 1001 + 2 ** 50 + 1 + 3 + 4;
    assert.match(
      (await fleet.run(["traffic", "--exact"])).out,
      new RegExp(`^alice +1001 +${2 ** 50 + 1} +3 +4 +${sum} +-\\n\\(fleet\\) .* ${sum}$`, "m"),
    );
    for (const subject of [["alice"], ["--port", "8388"], ["--relay", "relay-1"]]) {
      const { total } = await fleet.ask<{ total: unknown }>("traffic", ...subject);
      assert.deepEqual(total, { tcpUpBytes: 1001, tcpDownBytes: 2 ** 50 + 1, udpUpBytes: 3, udpDownBytes: 4 });
    }
    const { buckets } = await fleet.ask<{ buckets: { bytes: { tcpUpBytes: number } }[] }>("traffic", "alice", "--by-hour");
    assert.equal(
      buckets.reduce((all, { bytes }) => all + bytes.tcpUpBytes, 0),
      1001,
    );
    const { sinceReset, total } = await fleet.ask<{ sinceReset: { tcpUpBytes: number }; total: { tcpUpBytes: number } }>(
      "traffic",
      "reset",
      "alice",
    );
    assert.deepEqual([sinceReset.tcpUpBytes, total.tcpUpBytes], [0, 1001]);

    const top = fleet.ask<{ accessKeys: { id: string; upBytesPerSecond: number }[] }>("top", "--once");
    await new Promise((resolve) => setTimeout(resolve, 300));
    await fleet.store.applyTraffic(batch(2));
    const [live] = (await top).accessKeys;
    assert.equal(live?.id, "alice");
    assert.ok(live.upBytesPerSecond > 500 && live.upBytesPerSecond < 1500, String(live.upBytesPerSecond));
  });

  test("sessions are listed, watched and ended", async () => {
    const session = { memberId: "relay-1", keyId: "alice", port: 8388, transport: "tcp", clientAddress: "192.0.2.1:5000" } as const;
    const live = { ...session, id: "s1", startedAtMs: Date.now() - 5000, bytesUp: 10, bytesDown: 20 };
    await fleet.store.publishSessions("relay-1", [live], []);
    assert.match(
      (await fleet.run(["session", "list", "--key", "alice"])).out,
      /^s1 +alice +relay-1 +8388 +tcp +192\.0\.2\.1:5000 +\d+s +10 B +20 B$/m,
    );

    const terminal = new FakeTerminal();
    const watching = runCommand(["session", "watch", "--server", fleet.address], terminal);
    await eventually("opened", () => terminal.out.includes("opened  s1"));
    await fleet.store.publishSessions("relay-1", [], ["s1"]);
    await eventually("closed", () => terminal.out.includes("closed  s1"));
    terminal.interrupt();
    assert.equal(await watching, 0);

    assert.deepEqual(await fleet.ask("session", "kill", "--key", "alice"), { accessKeyId: "alice", ended: true });
  });

  test("fleet status shows who reported; draining somebody unknown fails", async () => {
    await fleet.report("relay-1", []);
    const { out } = await fleet.run(["fleet", "status"]);
    assert.match(out, /^store +answers$/m);
    assert.match(out, /^tcp-relay +relay-1 +0\.1\.0 +ready /m);
    assert.deepEqual(await fleet.ask("fleet", "drain", "relay-1"), { id: "relay-1", draining: true });
    const unknown = await fleet.run(["fleet", "drain", "relay-9"]);
    assert.equal(unknown.exitCode, 1);
    assert.match(unknown.err, /\(NOT_FOUND\)/);
  });

  test("the process itself does it too", async () => {
    const { code, stdout, stderr } = await runProgram(process.execPath, [MAIN, "key", "create", "dave", "--server", fleet.address]);
    assert.equal(code, 0, stderr.toString());
    assert.match(stdout.toString(), /^Access key dave on port 8388, chacha20-ietf-poly1305\n\nss:\/\/\S+\n$/);
  });
});

test("roles are kept: a viewer looks, an admin creates, nobody without a token", async () => {
  using folder = new ScratchFolder();
  const files = {
    admin: folder.write("admin", "admin-token-of-this-test\n"),
    viewer: folder.write("viewer", "viewer-token-of-this-test\n"),
  };
  const tokens = (["admin", "viewer"] as const).map((role) => ({ name: role, role, tokenFile: files[role] }));
  await using fleet = await new Managed({ tokens }).start();
  const as = async (file: string | undefined, ...argv: string[]): Promise<CommandResult> =>
    await fleet.run([...argv, ...(file === undefined ? [] : ["--token-file", file])]);
  assert.equal((await as(files.admin, "key", "create", "alice")).exitCode, 0);
  assert.equal((await as(files.viewer, "key", "list")).exitCode, 0);
  const refused = await as(files.viewer, "key", "create", "bob");
  const hidden = await as(files.viewer, "key", "uri", "alice");
  const stranger = await as(undefined, "key", "list");
  assert.deepEqual([refused.exitCode, hidden.exitCode, stranger.exitCode], [1, 1, 1]);
  assert.match(refused.err, /\(NOT_PERMITTED\)/);
  assert.match(hidden.err, /\(NOT_PERMITTED\)/);
  assert.match(stranger.err, /\(NOT_AUTHENTICATED\)\n {2}Give a token/);
});
