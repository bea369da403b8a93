import { systemClock } from "@shadowfleet/runtime";
import { ConnectAttempt } from "./connect-attempt.ts";
import type { SocketConnection } from "./connection.ts";
import { type Deadlines, deadlinesAfter, type Expiring } from "./deadlines.ts";
import type { Dial, OnDialled } from "./dial.ts";
import type { DialFailure } from "./dial-failure.ts";
import type { RecencyNode } from "./recency-list.ts";

/** A dial to one address that is known, which is its own only attempt: what most connections need, so it is one object and no timer. */
export class AddressDial extends ConnectAttempt implements Dial, Expiring {
  readonly startedMs = systemClock.monotonic();
  readonly #onDone: OnDialled;
  readonly #deadlines: Deadlines;
  readonly #deadline: RecencyNode<Expiring>;

  /** `port` is 1 to 65,535. */
  constructor(address: string, port: number, timeoutMs: number, onDone: OnDialled) {
    super(address, port);
    this.#onDone = onDone;
    this.#deadlines = deadlinesAfter(timeoutMs);
    this.#deadline = this.#deadlines.add(this);
  }

  override cancel(): void {
    if (this.isOver) return;
    this.#deadlines.remove(this.#deadline);
    super.cancel();
  }

  expire(): void {
    this.cancel();
    this.#onDone({ ok: false, code: "DIAL_TIMEOUT", cause: undefined });
  }

  protected connected(connection: SocketConnection): void {
    this.#deadlines.remove(this.#deadline);
    this.#onDone({ ok: true, connection, address: this.address });
  }

  protected failed({ code, cause }: DialFailure): void {
    this.#deadlines.remove(this.#deadline);
    this.#onDone({ ok: false, code, cause });
  }
}
