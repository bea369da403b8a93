import type { ListeningServer } from "./listen-socket.ts";
import { NativeSocket } from "./native-socket.ts";
import type { OwnedSocket } from "./owned-socket.ts";
import type { StreamListener, StreamName, StreamTurns } from "./stream-turns.ts";
import { systemError } from "./system-error.ts";

/** A listening socket on the addon. */
export class NativeServer implements ListeningServer, StreamListener {
  onSocket: (socket: OwnedSocket) => void = (socket) => void socket.destroy();
  onError: (error: NodeJS.ErrnoException) => void = () => {};
  readonly #turns: StreamTurns;
  readonly #stream: number;
  readonly #name: StreamName;
  #isClosed = false;

  /** Binds and listens. Throws the system's error. */
  constructor(turns: StreamTurns, host: string, port: number, sharesPort: boolean, backlog: number) {
    this.#turns = turns;
    this.#stream = turns.native.listenStream(host, port, host.includes(":"), sharesPort, backlog);
    if (this.#stream < 0) throw systemError("listen", this.#stream);
    this.#turns.add(this.#stream, this);
    this.#name = this.#turns.nameOf(this.#stream, false) ?? { host, port };
  }

  address(): { readonly address: string; readonly port: number } {
    return { address: this.#name.host, port: this.#name.port };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#turns.close(this.#stream, this, false);
  }

  onStreamEvent(_event: number, value: number): void {
    if (value < 0) this.onError(systemError("accept", value));
    else this.onSocket(new NativeSocket(this.#turns, value, this.#turns.latestName()));
  }

  onStreamClosed(): void {}
}
