import { MAX_DATAGRAM_LENGTH, unmapIpv4 } from "@shadowfleet/transport";
import { addressFrom, type TargetAddress } from "@shadowfleet/wire";
import type { Association } from "./association.ts";
import type { DropLog } from "./drop-log.ts";

export interface AnswerPathOptions {
  readonly drops: DropLog;
  /** The association moved a datagram: it is not idle. */
  readonly onActive: (association: Association) => void;
}

/** Target to client: whoever sends to an association's socket is answered for, under its real address. */
export class AnswerPath {
  readonly #drops: DropLog;
  readonly #onActive: (association: Association) => void;

  constructor(options: AnswerPathOptions) {
    this.#drops = options.drops;
    this.#onActive = options.onActive;
  }

  /** Seals one datagram from host:port and sends it to the client. `payload` is consumed. Never throws. */
  send(association: Association, payload: Buffer, host: string, port: number): void {
    if (association.ended) return;
    try {
      this.#answer(association, payload, host, port);
    } catch (error) {
      // Anyone may send here: what trips over a datagram costs that datagram and not the process.
      this.#drops.drop("down", association, "INTERNAL", host, error);
    }
  }

  #answer(association: Association, payload: Buffer, host: string, port: number): void {
    const refusal = association.limiter?.refuseDatagram("down", payload.length, association);
    if (refusal !== undefined) {
      this.#drops.drop("down", association, refusal, host);
      return;
    }
    const source = sourceOf(association, host, port);
    if (source === undefined) {
      this.#drops.drop("down", association, "BAD_ADDRESS", host);
      return;
    }
    const sealed = association.codec.seal(association.key, association.session, source, payload);
    if (sealed.length > MAX_DATAGRAM_LENGTH) {
      this.#drops.drop("down", association, "PACKET_TOO_LARGE", host);
      return;
    }
    this.#onActive(association);
    association.listener.answer(association, sealed, payload.length);
  }
}

function sourceOf(association: Association, host: string, port: number): TargetAddress | undefined {
  const known = association.knownSource;
  if (known !== undefined && known.port === port && known.host === host) return known.address;
  // A zone ("%eth0") means nothing to the client and is no part of the address on the wire.
  const zone = host.indexOf("%");
  const address = addressFrom(unmapIpv4(zone < 0 ? host : host.slice(0, zone)), port);
  if (address !== undefined) association.knownSource = { host, port, address };
  return address;
}
