export type ProcessEvent = "SIGTERM" | "SIGINT" | "SIGHUP" | "uncaughtException" | "unhandledRejection";

/** What the lifecycle needs of a process; tests pass their own. */
export interface ProcessHandle {
  /** Signals call the listener with their name, the two error events with what was thrown. */
  on(event: ProcessEvent, listener: (detail: unknown) => void): void;
  off(event: ProcessEvent, listener: (detail: unknown) => void): void;
  exit(code: number): void;
}

export const systemProcess: ProcessHandle = {
  on: (event, listener) => void process.on(event as NodeJS.Signals, listener),
  off: (event, listener) => void process.off(event as NodeJS.Signals, listener),
  exit: (code) => process.exit(code),
};
