import { type ErrorCode, errorEntry, type Logger } from "@shadowfleet/runtime";
import type { Association } from "./association.ts";
import type { Direction, PacketCounts } from "./packet-counts.ts";

/** Counts each dropped datagram of an association, and writes one log line per association and code: what repeats is only counted. */
export class DropLog {
  readonly #counts: PacketCounts;
  readonly #logger: Logger;

  constructor(counts: PacketCounts, logger: Logger) {
    this.#counts = counts;
    this.#logger = logger;
  }

  /** `remote` (target or source) is written only at debug level, as the client's address is. `cause`: the error behind an INTERNAL. */
  drop(direction: Direction, association: Association, code: ErrorCode, remote: string, cause?: unknown): void {
    this.#counts.dropped(direction, code);
    if (!association.noteFirst(code)) return;
    const fields = { code, keyId: association.keyId, port: association.port, direction, err: cause };
    this.#logger[errorEntry(code).level](fields, "datagram dropped");
    if (!this.#logger.isLevelEnabled("debug")) return;
    this.#logger.debug({ ...fields, client: `${association.clientHost} ${association.clientPort}`, remote }, "datagram dropped: addresses");
  }
}
