import assert from "node:assert/strict";
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { workerCount, workersSchema } from "@shadowfleet/runtime";
import { eventually, freePort, type RunningProgram, startNodeScript } from "@shadowfleet/testkit";

const PROGRAM = fileURLToPath(new URL("../../packages/runtime/test/demo-service.ts", import.meta.url));
const RELAY = fileURLToPath(new URL("../../services/tcp-relay/src/main.ts", import.meta.url));
// A loaded machine starts a process in seconds, and here three in a row.
const DEADLINE_MS = 60_000;
const LIMIT = { timeout: 120_000 };

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "workers-"));
});
after(() => rm(folder, { recursive: true }));

interface Group extends AsyncDisposable {
  readonly program: RunningProgram;
  readonly port: number;
  /** Process ids of the workers now. */
  readonly workers: () => number[];
  readonly ready: () => Promise<{ readonly status: number; readonly workers: string | undefined }>;
  readonly metric: (name: string) => Promise<number>;
}

async function startGroup(config: object = {}): Promise<Group> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const file = join(folder, `${port}.json`);
  await writeFile(file, JSON.stringify({ port, password: "hunter2", admin: { port: adminPort }, workers: 2, ...config }));
  const program = startNodeScript(PROGRAM, ["--config", file]);
  const get = (path: string) => fetch(`http://127.0.0.1:${adminPort}${path}`);
  return {
    program,
    port,
    workers: () => childrenOf(program.pid),
    ready: async () => {
      const answer = await get("/readyz");
      const { apps } = (await answer.json()) as { readonly apps: { readonly demo: { readonly details: { readonly workers?: string } } } };
      return { status: answer.status, workers: apps.demo.details.workers };
    },
    metric: async (name) => Number(new RegExp(`^${name} (.*)$`, "m").exec(await (await get("/metrics")).text())?.[1]),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

function childrenOf(pid: number): number[] {
  try {
    return execFileSync("pgrep", ["-P", String(pid)], { encoding: "utf8" })
      .trim()
      .split("\n")
      .map(Number);
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function untilServing(group: Group): Promise<void> {
  const isServing = async () => (await group.ready().catch(() => undefined))?.workers === "2 of 2 ready";
  await eventually("two workers", isServing, DEADLINE_MS);
}

// A relay whose management is away has nothing to bind, and would stay for ever.
it("a worker whose first process goes while it is still loading ends too", LIMIT, async () => {
  const file = join(folder, "orphan.json");
  const fleet = { management: { address: "127.0.0.1:9", insecure: true }, store: { type: "memory" } };
  await writeFile(file, JSON.stringify({ fleet, workers: 2, admin: { port: 0 }, drainTimeout: "1s" }));
  // At moments all over its loading: the end of a channel is told once, to whoever listens by then.
  const endsBySelf = async (afterMs: number): Promise<void> => {
    const worker = fork(RELAY, ["--config", file], {
      env: { ...process.env, SHADOWFLEET_WORKER: "1/2" },
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    try {
      const exit = once(worker, "exit", { signal: AbortSignal.timeout(DEADLINE_MS) });
      await delay(afterMs);
      worker.disconnect();
      assert.equal((await exit)[1], null, "by itself");
    } finally {
      worker.kill("SIGKILL");
    }
  };
  await Promise.all([0, 250, 500, 750].map(endsBySelf));
});

describe("a service as a group of workers", () => {
  it("both serve one port; SIGTERM ends all with exit code 0", LIMIT, async () => {
    await using group = await startGroup();
    await untilServing(group);
    assert.equal(group.workers().length, 2);
    assert.deepEqual(await group.ready(), { status: 200, workers: "2 of 2 ready" });
    assert.equal(await group.metric("fleet_workers"), 2);
    for (let i = 0; i < 20; i++) assert.equal(await greetingOf(group.port), "hello");
    const workers = group.workers();
    assert.deepEqual(await group.program.stop(DEADLINE_MS), { code: 0, signal: null });
    assert.deepEqual(workers.filter(isAlive), []);
    assert.match(group.program.output, /"worker":1,.*"msg":"stopped"/);
    assert.match(group.program.output, /"worker":2,.*"msg":"stopped"/);
  });

  it("a worker that is killed is replaced, and the port serves all the while", LIMIT, async () => {
    await using group = await startGroup();
    await untilServing(group);
    const [first] = group.workers();
    process.kill(first!, "SIGKILL");
    await group.program.waitForLine(/a worker ended, the others go on/, DEADLINE_MS);
    for (let i = 0; i < 20; i++) assert.equal(await greetingOf(group.port), "hello");
    assert.equal((await group.ready()).status, 200);
    await untilServing(group);
    assert.equal(group.workers().length, 2);
    assert.ok(!group.workers().includes(first!));
    assert.equal(await group.metric("fleet_worker_exits_total"), 1);
  });

  it("SIGHUP reaches every worker", LIMIT, async () => {
    await using group = await startGroup();
    await untilServing(group);
    group.program.signal("SIGHUP");
    const reloaded = () => group.program.lines.filter((line) => line.includes('"msg":"configuration reloaded"'));
    await eventually("three reloads", () => reloaded().length === 3, DEADLINE_MS);
    assert.equal(reloaded().filter((line) => /"worker":[12]/.test(line)).length, 2);
  });

  it("when the first process is killed the workers end too", LIMIT, async () => {
    await using group = await startGroup();
    await untilServing(group);
    const workers = group.workers();
    group.program.signal("SIGKILL");
    await eventually("no worker", () => !workers.some(isAlive), DEADLINE_MS);
  });

  it("a port of another program is refused, not shared, and the group ends as the service alone would", LIMIT, async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen({ host: "127.0.0.1", port: 0, reusePort: true }, () => resolve((taken.address() as { port: number }).port));
    });
    try {
      await using group = await startGroup({ port });
      assert.deepEqual(await group.program.exited, { code: 1, signal: null });
      assert.match(group.program.output, /"code":"BIND_FAILED"/);
      assert.match(group.program.output, /port is already in use/);
    } finally {
      taken.close();
    }
  });
});

describe("how many workers", () => {
  it("auto is one for each core, a number is that number, and nonsense is refused", () => {
    assert.equal(workerCount("auto", 6), 6);
    assert.equal(workerCount("auto", 0), 1);
    assert.equal(workerCount(3, 1), 3);
    assert.equal(workersSchema.parse(undefined), 1);
    for (const bad of [0, 129, 1.5, "all"]) assert.equal(workersSchema.safeParse(bad).success, false, String(bad));
  });
});

async function greetingOf(port: number): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of connect({ host: "127.0.0.1", port })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
