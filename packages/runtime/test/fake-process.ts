import { EventEmitter, once } from "node:events";
import type { ProcessEvent, ProcessHandle } from "../src/index.ts";

/** A process whose signals the test sends and whose exits it sees. Unlike the real one it goes on after `exit`. */
export class FakeProcess implements ProcessHandle {
  readonly exitCodes: number[] = [];
  readonly #events = new EventEmitter();

  on(event: ProcessEvent, listener: (detail: unknown) => void): void {
    this.#events.on(event, listener);
  }

  off(event: ProcessEvent, listener: (detail: unknown) => void): void {
    this.#events.off(event, listener);
  }

  exit(code: number): void {
    this.exitCodes.push(code);
    this.#events.emit("exit");
  }

  emit(event: ProcessEvent, detail: unknown = event): void {
    this.#events.emit(event, detail);
  }

  listeners(event: ProcessEvent): number {
    return this.#events.listenerCount(event);
  }

  /** The first exit code, once there is one. */
  async exited(): Promise<number> {
    if (this.exitCodes.length === 0) await once(this.#events, "exit");
    return this.exitCodes[0]!;
  }
}
