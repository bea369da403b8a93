import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { HostPort } from "../quantities.ts";
import { onLines } from "./output-lines.ts";

/** How a plugin's process ended. */
export interface PluginEnd {
  /** Null when a signal ended it, or it never began. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started. */
  readonly reason?: string;
}

const PROBE_EVERY_MS = 20;
const PROBE_LIMIT_MS = 1_000;

/** What must not outlive this process, however it exits. */
const live = new Set<RunningPlugin>();
process.on("exit", () => {
  for (const plugin of live) plugin.signal("SIGKILL");
});

/** One process of a plugin. It has a process group of its own: a Ctrl-C at a terminal is for the service, which lets sessions finish first. */
export class RunningPlugin {
  /** Never rejects. */
  readonly ended: Promise<PluginEnd>;
  #child: ChildProcess | undefined;

  constructor(program: string, env: Record<string, string>, tell: (line: string) => void) {
    this.ended = this.#spawn(program, env, tell);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Waits until something accepts there: true. False when it has ended before, or has not come to it in time. */
  async accepts(address: HostPort, withinMs: number): Promise<boolean> {
    const until = performance.now() + withinMs;
    while (this.#child && performance.now() < until) {
      if (await canConnect(address)) return this.#child !== undefined;
      await sleep(PROBE_EVERY_MS);
    }
    return false;
  }

  /** To it and whatever it has started; does nothing when it is gone. */
  signal(name: NodeJS.Signals): void {
    if (!this.#child?.pid) return;
    try {
      process.kill(-this.#child.pid, name);
    } catch {
      // Gone, and we have not heard of it yet.
    }
  }

  /** SIGTERM, and SIGKILL after the grace period. Resolves when it is gone. */
  async stop(graceMs: number): Promise<void> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  #spawn(program: string, env: Record<string, string>, tell: (line: string) => void): Promise<PluginEnd> {
    return new Promise((resolve) => {
      const end = (end: PluginEnd): void => {
        live.delete(this);
        this.#child = undefined;
        resolve(end);
      };
      try {
        const child = spawn(program, [], { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
        this.#child = child;
        live.add(this);
        child.once("error", (error) => end({ exitCode: null, signal: null, reason: reasonOf(error) }));
        child.once("exit", (exitCode, signal) => end({ exitCode, signal }));
        // Missing where there were no descriptors left for them.
        for (const stream of [child.stdout, child.stderr]) if (stream) onLines(stream, tell);
      } catch (error) {
        end({ exitCode: null, signal: null, reason: reasonOf(error) });
      }
    });
  }
}

/** Of an error of the system its code. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

/** Whether something accepts there. */
export function canConnect({ host, port }: HostPort): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.setTimeout(PROBE_LIMIT_MS, () => settle(false));
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}
