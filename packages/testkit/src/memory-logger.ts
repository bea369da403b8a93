import type { Logger, LogLevel } from "@shadowfleet/runtime";
import { pino } from "pino";

/** One log line as an operator's tools would read it. */
export interface LogLine {
  readonly level: LogLevel | "trace" | "fatal";
  readonly msg?: string;
  /** The registered error code, where the line has one. */
  readonly code?: string;
  readonly [field: string]: unknown;
}

export interface MemoryLogger {
  readonly logger: Logger;
  /** Every line so far, of children too, oldest first. */
  readonly lines: readonly LogLine[];
  /** Every byte written, for looking for secrets. */
  readonly text: string;
}

/** A real pino logger, at level trace, that writes to memory. Levels are names; nothing is redacted here. */
export function createMemoryLogger(): MemoryLogger {
  const written: string[] = [];
  const options = { level: "trace", base: null, timestamp: false, formatters: { level: (label: string) => ({ level: label }) } };
  const logger = pino(options, { write: (line: string) => void written.push(line) });
  return {
    logger,
    get lines() {
      return written.map((line) => JSON.parse(line) as LogLine);
    },
    get text() {
      return written.join("");
    },
  };
}
