import type { PortCommands } from "./port-commands.ts";

/** What a datagram is answered with, and what it does to the sender's place among those who get `stat`. */
export interface Answer {
  /** Datagrams in order; none: silence. */
  readonly replies: readonly string[];
  readonly subscription?: "join" | "leave";
}

export const SILENCE: Answer = { replies: [] };

/** One of the protocols old scripts speak to the management port. */
export interface Dialect {
  /** Never throws for what the datagram says. */
  answer(message: string, ports: PortCommands): Promise<Answer>;
  /** What those who joined are sent every interval; undefined: this dialect sends nothing unasked. */
  push?(ports: PortCommands): Promise<readonly string[]>;
}
