import type { Connection } from "../connection.ts";
import { hear } from "../hear.ts";
import { HeaderReader } from "./header-reader.ts";

export interface TakeHeaderOptions {
  /**
   * The header is whole and the connection its client's, whose address it has now. To be given its next handlers here, in this very call: what came
   * behind the header in the same read is handed to them right after, as the first read of a connection without a header would be.
   */
  readonly onClient: () => void;
  /** What came is no header; the rest of that read is dropped. `onEnd` and `onClose` are the caller's all along. */
  readonly onRefused: () => void;
}

/** Has the connection begin with a PROXY protocol header. Sets `onData`; reading is for the caller to begin. */
export function takeProxyHeader(connection: Connection, { onClient, onRefused }: TakeHeaderOptions): void {
  const reader = new HeaderReader();
  hear(connection, {
    onData: (src, start, end) => {
      const outcome = reader.push(src, start, end);
      if (!outcome) return;
      hear(connection, { onData: () => {} });
      if (!outcome.ok) {
        onRefused();
        return;
      }
      const { client } = outcome.header;
      if (client) connection.readdress(client);
      onClient();
      if (outcome.next < end) connection.onData(src, outcome.next, end);
    },
  });
}
