import type { Logger as PinoLogger } from "pino";

/** Structured log of a process; `child` narrows it to a room. Secrets are redacted by field name. */
export type Logger = PinoLogger;
