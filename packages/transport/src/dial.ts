import type { ErrorCode } from "@shadowfleet/runtime";
import { type AttemptObserver, ConnectAttempt } from "./connect-attempt.ts";
import type { Connection } from "./connection.ts";
import { type DialFailure, moreTelling } from "./dial-failure.ts";
import type { ResolvedAddress, Resolver } from "./resolver.ts";

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  /** Budget for resolving and connecting together. */
  readonly timeoutMs: number;
  readonly resolver: Resolver;
  /** Target guard: asked about every resolved address; only admitted ones are dialled, exactly as checked (no second look-up). Default: all. */
  readonly admit?: (address: string) => boolean;
  /** Gives up: an open attempt is closed and the result is `SESSION_TERMINATED`. */
  readonly signal?: AbortSignal;
}

export type DialResult =
  | { readonly ok: true; readonly connection: Connection; readonly address: string }
  | { readonly ok: false; readonly code: ErrorCode; readonly cause: Error | undefined };

/** RFC 8305 §5 "Connection Attempt Delay". */
const ATTEMPT_DELAY_MS = 250;
const MAX_PORT = 65_535;

/**
 * Resolves and connects: Happy Eyeballs v2 (RFC 8305) over the admitted addresses, in the resolver's order. The next address is tried 250 ms
 * after the last or as soon as one fails; earlier attempts go on (Node's `autoSelectFamily` would cancel them) and the first to stand wins.
 * Never rejects. No admitted address: TARGET_FORBIDDEN; a port outside 1 to 65,535: DIAL_FAILED. The connection does not read yet.
 */
export async function dial(options: DialOptions): Promise<DialResult> {
  const { port, signal } = options;
  if (signal?.aborted) return { ok: false, code: "SESSION_TERMINATED", cause: undefined };
  if (!(port >= 1 && port <= MAX_PORT)) return { ok: false, code: "DIAL_FAILED", cause: new RangeError(`port ${port} cannot be dialled`) };
  return await new Promise((resolve) => new Dialling(options, resolve).start());
}

class Dialling implements AttemptObserver {
  readonly #options: DialOptions;
  readonly #resolve: (result: DialResult) => void;
  readonly #deadline: NodeJS.Timeout;
  readonly #attempts = new Set<ConnectAttempt>();
  #next: NodeJS.Timeout | undefined;
  #addresses: readonly ResolvedAddress[] = [];
  #tried = 0;
  #failure: DialFailure | undefined;
  #settled = false;

  constructor(options: DialOptions, resolve: (result: DialResult) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#deadline = setTimeout(this.#onDeadline, options.timeoutMs);
    options.signal?.addEventListener("abort", this.#onAbort);
  }

  start(): void {
    const { host, resolver } = this.#options;
    const known = resolver.peek(host);
    if (known !== undefined) this.#race(known);
    else void resolver.resolve(host).then((resolution) => this.#race(resolution));
  }

  attemptConnected(attempt: ConnectAttempt): void {
    this.#attempts.delete(attempt);
    this.#settle({ ok: true, connection: attempt.connection(), address: attempt.address });
  }

  attemptFailed(attempt: ConnectAttempt, failure: DialFailure): void {
    this.#attempts.delete(attempt);
    this.#failure = moreTelling(this.#failure, failure);
    if (this.#tried < this.#addresses.length) this.#tryNext();
    else if (this.#attempts.size === 0) this.#settle({ ok: false, ...this.#failure });
  }

  #race(resolution: Awaited<ReturnType<Resolver["resolve"]>>): void {
    if (this.#settled) return;
    if (!resolution.ok) {
      this.#settle(resolution);
      return;
    }
    const { admit } = this.#options;
    this.#addresses = admit === undefined ? resolution.addresses : resolution.addresses.filter(({ address }) => admit(address));
    if (this.#addresses.length === 0) this.#settle({ ok: false, code: "TARGET_FORBIDDEN", cause: undefined });
    else this.#tryNext();
  }

  #tryNext(): void {
    clearTimeout(this.#next);
    const { address } = this.#addresses[this.#tried]!;
    this.#tried += 1;
    // Before the attempt: one that fails at once goes on to the next address, whose timer must not be overwritten.
    if (this.#tried < this.#addresses.length) this.#next = setTimeout(this.#onAttemptDelay, ATTEMPT_DELAY_MS);
    this.#attempts.add(new ConnectAttempt(address, this.#options.port, this));
  }

  readonly #onAttemptDelay = (): void => this.#tryNext();

  readonly #onDeadline = (): void => {
    const timedOut: DialFailure = { code: "DIAL_TIMEOUT", cause: undefined };
    this.#settle({ ok: false, ...moreTelling(this.#failure, timedOut) });
  };

  readonly #onAbort = (): void => this.#settle({ ok: false, code: "SESSION_TERMINATED", cause: undefined });

  #settle(result: DialResult): void {
    this.#settled = true;
    clearTimeout(this.#deadline);
    clearTimeout(this.#next);
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    for (const attempt of this.#attempts) attempt.cancel();
    this.#attempts.clear();
    this.#resolve(result);
  }
}
