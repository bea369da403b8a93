import { ConnectAttempt } from "./connect-attempt.ts";
import type { SocketConnection } from "./connection.ts";
import type { Dial, DialOptions, DialResult, OnDialled } from "./dial.ts";
import { type DialFailure, moreTelling } from "./dial-failure.ts";
import type { Resolution, ResolvedAddress } from "./resolver.ts";

/** RFC 8305 §5 "Connection Attempt Delay". */
const ATTEMPT_DELAY_MS = 250;

/**
 * A dial to a name: the next address is tried 250 ms after the last or as soon as one fails; earlier attempts go on (Node's `autoSelectFamily` would
 * cancel them) and the first to stand wins.
 */
export class NameDial implements Dial {
  readonly #options: DialOptions;
  readonly #onDone: OnDialled;
  readonly #deadline: NodeJS.Timeout;
  readonly #attempts = new Set<RacingAttempt>();
  #next: NodeJS.Timeout | undefined;
  #addresses: readonly ResolvedAddress[] = [];
  #tried = 0;
  #failure: DialFailure | undefined;
  #isOver = false;

  /** `known`: what the name resolves to, where that need not be asked. */
  constructor(options: DialOptions, known: Resolution | undefined, onDone: OnDialled) {
    this.#options = options;
    this.#onDone = onDone;
    this.#deadline = setTimeout(this.#onDeadline, options.timeoutMs);
    if (known !== undefined) queueMicrotask(() => this.#race(known));
    else void options.resolver.resolve(options.host).then((resolution) => this.#race(resolution));
  }

  cancel(): void {
    this.#isOver = true;
    clearTimeout(this.#deadline);
    clearTimeout(this.#next);
    for (const attempt of this.#attempts) attempt.cancel();
    this.#attempts.clear();
  }

  attemptConnected(attempt: RacingAttempt, connection: SocketConnection): void {
    this.#attempts.delete(attempt);
    this.#settle({ ok: true, connection, address: attempt.address });
  }

  attemptFailed(attempt: RacingAttempt, failure: DialFailure): void {
    this.#attempts.delete(attempt);
    this.#failure = moreTelling(this.#failure, failure);
    if (this.#tried < this.#addresses.length) this.#tryNext();
    else if (this.#attempts.size === 0) this.#settle({ ok: false, ...this.#failure });
  }

  #race(resolution: Resolution): void {
    if (this.#isOver) return;
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
    this.#attempts.add(new RacingAttempt(address, this.#options.port, this));
  }

  readonly #onAttemptDelay = (): void => this.#tryNext();

  readonly #onDeadline = (): void => {
    const timedOut: DialFailure = { code: "DIAL_TIMEOUT", cause: undefined };
    this.#settle({ ok: false, ...moreTelling(this.#failure, timedOut) });
  };

  #settle(result: DialResult): void {
    this.cancel();
    this.#onDone(result);
  }
}

class RacingAttempt extends ConnectAttempt {
  readonly #race: NameDial;

  constructor(address: string, port: number, race: NameDial) {
    super(address, port);
    this.#race = race;
  }

  protected connected(connection: SocketConnection): void {
    this.#race.attemptConnected(this, connection);
  }

  protected failed(failure: DialFailure): void {
    this.#race.attemptFailed(this, failure);
  }
}
