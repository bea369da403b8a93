import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { DeadlineError, withDeadline } from "./deadline.ts";
import { findProgram } from "./find-program.ts";

export interface ProgramOptions {
  readonly cwd?: string;
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Start it as leader of a process group and signal the whole group: for programs like npm that start others. Default false. */
  readonly group?: boolean;
}

export interface ExitStatus {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a finished program left behind. */
export interface ProgramResult extends ExitStatus {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

const live = new Set<RunningProgram>();
process.on("exit", () => {
  for (const program of live) program.signal("SIGKILL");
});

/** A child process whose output is kept. `await using` stops it. */
export class RunningProgram implements AsyncDisposable {
  readonly pid: number;
  /** Settles once it is gone and its output is read. Never rejects. */
  readonly exited: Promise<ExitStatus>;
  readonly #child: ChildProcess;
  readonly #isGroup: boolean;
  readonly #name: string;
  readonly #chunks: { readonly from: "stdout" | "stderr"; readonly bytes: Buffer }[] = [];
  readonly #onOutput = new Set<() => void>();
  #isOver = false;

  /** Use `startProgram`. */
  constructor(child: ChildProcess, name: string, isGroup: boolean) {
    if (child.pid === undefined) throw new Error(`${name} could not be started`);
    this.pid = child.pid;
    this.#child = child;
    this.#name = name;
    this.#isGroup = isGroup;
    live.add(this);
    for (const from of ["stdout", "stderr"] as const) {
      child[from]?.on("data", (bytes: Buffer) => {
        this.#chunks.push({ from, bytes });
        this.#notify();
      });
    }
    child.stdin?.on("error", () => {});
    this.exited = this.#watchExit();
  }

  /** Both streams as text, in the order they came. */
  get output(): string {
    return Buffer.concat(this.#chunks.map(({ bytes }) => bytes)).toString();
  }

  /** Complete lines of both streams so far. */
  get lines(): string[] {
    return this.output.split("\n").slice(0, -1);
  }

  stream(from: "stdout" | "stderr"): Buffer {
    return Buffer.concat(this.#chunks.flatMap((chunk) => (chunk.from === from ? [chunk.bytes] : [])));
  }

  get isRunning(): boolean {
    return !this.#isOver;
  }

  /** The first line that matches, already written or still to come. Rejects, with the output, at the deadline or when the program ends without it. */
  async waitForLine(pattern: RegExp, deadlineMs = 10_000): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const look = (): void => {
      for (const line of this.lines) {
        const match = new RegExp(pattern, pattern.flags.replace(/[gy]/g, "")).exec(line);
        if (match) resolve(match);
      }
      if (this.#isOver) reject(new Error(`${this.#name} ended without a line ${pattern}; it wrote:\n${this.output}`));
    };
    this.#onOutput.add(look);
    look();
    try {
      return await withDeadline(promise, deadlineMs, `a line ${pattern} of ${this.#name}`);
    } catch (error) {
      throw error instanceof DeadlineError ? new Error(`${error.message}; it wrote:\n${this.output}`) : error;
    } finally {
      this.#onOutput.delete(look);
    }
  }

  /** Writes to its standard input. */
  write(text: string | Buffer): void {
    this.#child.stdin?.write(text);
  }

  /** Sends a signal; does nothing when it is gone. */
  signal(name: NodeJS.Signals): void {
    if (this.#isOver) return;
    try {
      process.kill(this.#isGroup ? -this.pid : this.pid, name);
    } catch {
      // Gone between its exit and our hearing of it.
    }
  }

  /** SIGTERM, and SIGKILL after the grace period; how it ended. */
  async stop(graceMs = 3_000): Promise<ExitStatus> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), graceMs);
    const status = await this.exited;
    clearTimeout(timer);
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #watchExit(): Promise<ExitStatus> {
    const [code, signal] = (await once(this.#child, "close")) as [number | null, NodeJS.Signals | null];
    this.#isOver = true;
    live.delete(this);
    this.#notify();
    return { code, signal };
  }

  #notify(): void {
    for (const listener of this.#onOutput) listener();
  }
}

/** Starts a program found in PATH. It dies with this process, however this one ends (where the system can do that: `setpriv`). Throws when it is not installed. */
export function startProgram(command: string, args: readonly string[], options: ProgramOptions = {}): RunningProgram {
  const path = findProgram(command);
  if (path === undefined) throw new Error(`${command} is not installed`);
  const guard = findProgram("setpriv");
  const line = guard === undefined ? [path, ...args] : [guard, "--pdeathsig", "KILL", "--", path, ...args];
  // A test runner inside a test run would report to ours instead of to its own output.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, ...options.env };
  const isGroup = options.group ?? false;
  const child = spawn(line[0]!, line.slice(1), { cwd: options.cwd, env, detached: isGroup, stdio: ["pipe", "pipe", "pipe"] });
  return new RunningProgram(child, command, isGroup);
}

/** Starts a script with the Node that runs this test. */
export function startNodeScript(script: string | URL, args: readonly string[] = [], options: ProgramOptions = {}): RunningProgram {
  return startProgram(process.execPath, [typeof script === "string" ? script : fileURLToPath(script), ...args], options);
}

/** Runs a program to its end. At the deadline it is killed, and the promise rejects with what it wrote. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions & { readonly deadlineMs?: number } = {},
): Promise<ProgramResult> {
  await using program = startProgram(command, args, options);
  const deadlineMs = options.deadlineMs ?? 20_000;
  try {
    const status = await withDeadline(program.exited, deadlineMs, `the end of ${command}`);
    return { ...status, stdout: program.stream("stdout"), stderr: program.stream("stderr") };
  } catch (error) {
    program.signal("SIGKILL");
    throw new Error(`${(error as Error).message}; it wrote:\n${program.output}`);
  }
}
