import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("demo-service.ts", import.meta.url));
const BASE = { port: 0, password: "hunter2", admin: { port: 0 } };
// A loaded machine starts a process in seconds; the tests end far sooner.
const LIMIT = { timeout: 30_000 };

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "runtime-"));
});
after(() => rm(folder, { recursive: true }));

/** The demo service as a real process. */
class Child {
  readonly process: ChildProcessByStdio<null, Readable, Readable>;
  readonly #closed: Promise<unknown[]>;
  readonly #lines: Interface;
  out = "";
  err = "";

  constructor(argv: readonly string[]) {
    this.process = spawn(process.execPath, [PROGRAM, ...argv], { stdio: ["ignore", "pipe", "pipe"] });
    this.#closed = once(this.process, "close");
    this.#lines = createInterface(this.process.stdout);
    this.process.stdout.on("data", (part: Buffer) => {
      this.out += part.toString();
    });
    this.process.stderr.on("data", (part: Buffer) => {
      this.err += part.toString();
    });
  }

  /** The port it greets on, once it does. */
  async port(): Promise<number> {
    for await (const line of this.#lines) {
      const { msg, port } = JSON.parse(line) as { msg: string; port: number };
      if (msg === "greeting") return port;
    }
    throw new Error(`no port: ${this.out}${this.err}`);
  }

  async exited(): Promise<{ code: number | null; signal: string | null }> {
    const [code, signal] = (await this.#closed) as [number | null, string | null];
    return { code, signal };
  }
}

async function start(config: object, ...argv: string[]): Promise<Child> {
  const file = join(folder, `${performance.now()}.json`);
  await writeFile(file, JSON.stringify({ ...BASE, ...config }));
  return new Child(["--config", file, ...argv]);
}

describe("exit codes of a real process", () => {
  it("0 after SIGTERM with a drained stop, its last log line written", LIMIT, async () => {
    const child = await start({});
    await child.port();
    child.process.kill("SIGTERM");
    assert.deepEqual(await child.exited(), { code: 0, signal: null });
    const last = JSON.parse(child.out.trimEnd().split("\n").at(-1)!) as Record<string, unknown>;
    assert.deepEqual([last.msg, last.exitCode], ["stopped", 0]);
  });

  it("0 after SIGINT, and after a SIGHUP that only reloads", LIMIT, async () => {
    const child = await start({});
    await child.port();
    child.process.kill("SIGHUP");
    while (!child.out.includes("configuration reloaded")) await sleep(10);
    child.process.kill("SIGINT");
    assert.deepEqual(await child.exited(), { code: 0, signal: null });
  });

  it("1 at once on a second signal while draining", LIMIT, async () => {
    const child = await start({ drainTimeout: "60s" });
    // A client that never leaves keeps the drain waiting.
    const socket = connect({ port: await child.port(), host: "127.0.0.1", allowHalfOpen: true });
    await once(socket, "connect");
    child.process.kill("SIGTERM");
    await sleep(700);
    child.process.kill("SIGTERM");
    assert.deepEqual(await child.exited(), { code: 1, signal: null });
    assert.match(child.out, /second signal, exiting without waiting/);
    socket.destroy();
  });

  for (const crash of ["throw", "reject"]) {
    it(`1 after an uncaught error (${crash}), logged as INTERNAL`, LIMIT, async () => {
      const child = await start({ crash });
      assert.deepEqual(await child.exited(), { code: 1, signal: null });
      assert.match(child.out, /"code":"INTERNAL".*boom/);
      assert.match(child.out, /"exitCode":1/);
    });
  }

  it("2 for a bad configuration and for an unknown flag", LIMIT, async () => {
    const bad = await start({ port: "x" });
    const unknown = await start({}, "--frobnicate");
    assert.deepEqual(await bad.exited(), { code: 2, signal: null });
    assert.match(bad.err, /port: must be a port number/);
    assert.deepEqual(await unknown.exited(), { code: 2, signal: null });
    assert.match(unknown.err, /unknown flag --frobnicate/);
  });

  it("0 and 2 for --check-config, with the whole text on stdout", LIMIT, async () => {
    const good = await start({}, "--check-config");
    const bad = await start({ password: 5 }, "--check-config");
    assert.deepEqual(await good.exited(), { code: 0, signal: null });
    assert.match(good.out, /^port: 0\n.*password: <redacted>\n/s);
    assert.deepEqual(await bad.exited(), { code: 2, signal: null });
    assert.equal(bad.out, "");
  });
});
