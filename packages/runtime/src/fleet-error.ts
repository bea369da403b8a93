import type { ErrorCode } from "./error-codes.ts";

/** An error with a registered code. For start-up, configuration and asynchronous failures; expected traffic outcomes are return values. */
export class FleetError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "FleetError";
    this.code = code;
  }
}

/** The registered code of anything thrown; INTERNAL for what has none. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof FleetError ? error.code : "INTERNAL";
}
