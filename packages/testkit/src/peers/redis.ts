import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../deadline.ts";
import { missingProgramsReason } from "../find-program.ts";
import { freePort } from "../free-port.ts";
import { type RunningProgram, runProgram, startProgram } from "../process.ts";

const HOST = "127.0.0.1";
const START_DEADLINE_MS = 10_000;
const SETUP_DEADLINE_MS = 20_000;
const POLL_MS = 50;

/** Why tests with Redis cannot run here; throws instead where `CI` is set. */
export function redisMissingReason(): string | undefined {
  return missingProgramsReason(["redis-server", "redis-cli"], "redis-server");
}

export interface RedisOptions {
  /** Where its files go. Default: a temporary folder, removed by `stop`. */
  readonly dir?: string;
  /** Keep an append-only file, so that a restart finds the data again. Default false: nothing is ever written to disk. */
  readonly appendonly?: boolean;
  /** Default: a free one. */
  readonly port?: number;
  /** More command line, as "--requirepass", "x". */
  readonly args?: readonly string[];
}

/** A redis-server of the test's own, on loopback. `await using` stops it. */
export class RedisServer implements AsyncDisposable {
  readonly host = HOST;
  readonly port: number;
  readonly dir: string;
  readonly #args: readonly string[];
  readonly #ownsDir: boolean;
  #program: RunningProgram | undefined;

  /** Use `startRedis`. */
  constructor(port: number, dir: string, ownsDir: boolean, args: readonly string[]) {
    this.port = port;
    this.dir = dir;
    this.#ownsDir = ownsDir;
    this.#args = args;
  }

  get url(): string {
    return `redis://${this.host}:${this.port}`;
  }

  get pid(): number | undefined {
    return this.#program?.pid;
  }

  /** Starts it, or starts it again on the same port and folder. Rejects with its output when it does not come up. */
  async start(): Promise<void> {
    this.#program = startProgram("redis-server", ["--bind", HOST, "--port", String(this.port), "--dir", this.dir, ...this.#args]);
    try {
      await this.#program.waitForLine(/Ready to accept connections/, START_DEADLINE_MS);
    } catch (error) {
      await this.kill9();
      throw error;
    }
  }

  /** One command through redis-cli; what it printed, without the line end. Rejects when it fails. */
  cli(...args: string[]): Promise<string> {
    return redisCli(this.port, ...args);
  }

  /** SIGKILL, and its end awaited. `start` brings it back. */
  async kill9(): Promise<void> {
    this.#program?.signal("SIGKILL");
    await this.#program?.exited;
  }

  /** SIGSTOP: connections stand, nothing answers. */
  pause(): void {
    this.#program?.signal("SIGSTOP");
  }

  /** SIGCONT. */
  resume(): void {
    this.#program?.signal("SIGCONT");
  }

  async stop(): Promise<void> {
    this.resume();
    await this.#program?.stop();
    if (this.#ownsDir) await rm(this.dir, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Waits until `isSo`, which asks through redis-cli, holds. Asks less often than `eventually`, for each question starts a process. */
export async function redisSays(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const askAndRest = async (): Promise<boolean> => (await isSo()) || (await sleep(POLL_MS, false));
  await eventually(what, askAndRest, SETUP_DEADLINE_MS);
}

/** Starts a redis-server and waits until it takes connections. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const dir = options.dir ?? (await temporaryRedisDir());
  const port = options.port ?? (await freePort());
  const persistence = ["--save", "", "--appendonly", options.appendonly ? "yes" : "no", "--repl-diskless-sync-delay", "0"];
  const server = new RedisServer(port, dir, options.dir === undefined, [...persistence, ...(options.args ?? [])]);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** One command through redis-cli; what it printed, without the line end. Rejects with the reply when that is an error. */
export async function redisCli(port: number, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram("redis-cli", ["-h", HOST, "-p", String(port), "-e", ...args]);
  if (code !== 0) throw new Error(`redis-cli ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout.toString().trimEnd();
}

/** The value of `name:` in what INFO or CLUSTER INFO printed. */
export function redisInfoField(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
}

export function temporaryRedisDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), "redis-"));
}
