/** Someone in a throttle's line. */
export interface Waiter {
  /** Its turn: something may move now. Who wants to move more goes to the end of the line with `wait`. */
  turn(): void;
}

/**
 * What holds back one direction of connections that share a limit. Everybody who is told 0 waits in its line and is given turns, one after the
 * other, as fast as the limit lets.
 */
export interface Throttle {
  /** How many of `wanted` bytes may move now; at least 1 where anything may. 0 also while others wait, outside of a turn. */
  allowance(wanted: number): number;
  /** So many payload bytes have moved. */
  moved(bytes: number): void;
  /** Puts it at the end of the line, or leaves it where it stands in it. */
  wait(waiter: Waiter): void;
  leave(waiter: Waiter): void;
}

/** Of both directions of a pump. */
export interface Throttles {
  readonly up: Throttle;
  readonly down: Throttle;
}
