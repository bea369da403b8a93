import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  CreateAccessKeyResponse,
  AccessKeyServiceService as Keys,
  SessionServiceService as Sessions,
  WatchSessionsResponse,
} from "@shadowfleet/control-api";
import { findProgram, freePort, runProgram, startNodeScript } from "@shadowfleet/testkit";
import { FakeFleet } from "./fake-fleet.ts";
import { ScratchFolder } from "./scratch-folder.ts";

const MAIN = join(import.meta.dirname, "../src/main.ts");
const BIN = join(import.meta.dirname, "../bin/shadowfleet.mjs");

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command as a process of its own, without anybody's settings. */
async function start(argv: readonly string[], { script = MAIN, environment = {} } = {}): Promise<Ended> {
  using home = new ScratchFolder();
  const env = { HOME: home.path, XDG_CONFIG_HOME: undefined, SHADOWFLEET_SERVER: undefined, ...environment };
  const { code, stdout, stderr } = await runProgram(process.execPath, [script, ...argv], { env });
  return { code, out: stdout.toString(), err: stderr.toString() };
}

describe("exit codes of the process", () => {
  test("0 when done; the environment names the server", async () => {
    await using fleet = await FakeFleet.start();
    fleet.answer(Keys.createAccessKey, () =>
      CreateAccessKeyResponse.fromPartial({ accessKey: { id: "alice", port: 8388, method: "aes-256-gcm" }, accessUri: "ss://x@h:1" }),
    );
    const environment = { SHADOWFLEET_SERVER: fleet.address };
    const { code, out, err } = await start(["key", "create", "alice"], { script: BIN, environment });
    assert.deepEqual({ code, out, err }, { code: 0, out: "Access key alice on port 8388, aes-256-gcm\n\nss://x@h:1\n", err: "" });
  });

  test("1 when nobody answers", async () => {
    const { code, out, err } = await start(["key", "list", "--server", `127.0.0.1:${await freePort()}`]);
    assert.deepEqual([code, out], [1, ""]);
    assert.match(err, /connection refused/);
  });

  test("2 for bad usage, bad settings and no command", async () => {
    const [usage, settings, nothing] = await Promise.all([
      start(["key", "lst"]),
      start(["key", "list", "--config", "/nonexistent/config.yaml"]),
      start([]),
    ]);
    assert.deepEqual([usage.code, settings.code, nothing.code], [2, 2, 2]);
    assert.equal(usage.err, "shadowfleet: unknown command 'lst' (Did you mean list?)\nSee: shadowfleet key --help\n");
    assert.match(settings.err, /\/nonexistent\/config\.yaml: 1 problem\n {2}\(file\): there is no such file/);
  });

  test("config check is the process's own: 0 for a good file, 2 with every problem for a bad one", async () => {
    using folder = new ScratchFolder();
    const good = folder.write("good.yaml", "listen: { port: 1080 }\nupstreams: ['ss://YWVzLTI1Ni1nY206c2VjcmV0@192.0.2.1:8388']\n");
    const bad = folder.write("bad.yaml", "listen: { prt: 1080 }\nupstreams: [7]\n");
    const [accepted, refused] = await Promise.all([
      start(["config", "check", "gateway", good]),
      start(["config", "check", "gateway", bad]),
    ]);
    assert.equal(accepted.code, 0, accepted.err);
    assert.doesNotMatch(accepted.out, /YWVzLTI1Ni/);
    assert.equal(refused.code, 2);
    assert.match(refused.err, /did you mean "port"/);
  });

  test("a watch that is interrupted ends with 0", async () => {
    await using fleet = await FakeFleet.start();
    fleet.stream(Sessions.watchSessions, (send) => send(WatchSessionsResponse.fromPartial({ updated: [{ id: "s1", accessKeyId: "a" }] })));
    await using watch = startNodeScript(MAIN, ["session", "watch", "--server", fleet.address]);
    await watch.waitForLine(/opened {2}s1/);
    watch.signal("SIGINT");
    assert.deepEqual(await watch.exited, { code: 0, signal: null });
  });
});

const bash = findProgram("bash") === undefined ? "bash is not installed" : false;

test("bash completes nouns, verbs and flags", { skip: bash }, async () => {
  using folder = new ScratchFolder();
  const { code, out } = await start(["completion", "bash"]);
  assert.equal(code, 0);
  const script = folder.write("completion.bash", out);
  const complete = async (...words: string[]): Promise<string[]> => {
    const program = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _shadowfleet; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await runProgram("bash", ["-c", program, "bash", script, "shadowfleet", ...words]);
    return stdout.toString().trim().split("\n");
  };
  assert.deepEqual(await complete("ke"), ["key"]);
  assert.deepEqual(await complete("t"), ["traffic", "top", "tcp-relay"]);
  assert.deepEqual(await complete("key", "d"), ["disable", "delete"]);
  assert.deepEqual(await complete("-o", "key", "rotate", "alice", "--o"), ["--overlap", "--output"]);
  assert.deepEqual(await complete("traffic", "re"), ["reset"]);
  assert.deepEqual(await complete("traffic", "alice", "--by"), ["--by-hour"]);
});
