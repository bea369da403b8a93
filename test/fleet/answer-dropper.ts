import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy that, when told, passes requests on and loses the answers: the connection then dies without them. */
export interface AnswerDropper extends AsyncDisposable {
  readonly port: number;
  readonly droppedBytes: number;
  dropAnswers(drop: boolean): void;
}

/** In front of 127.0.0.1:`upstreamPort`. */
export async function startAnswerDropper(upstreamPort: number): Promise<AnswerDropper> {
  const sockets = new Set<Socket>();
  let isDropping = false;
  let droppedBytes = 0;
  const server = createServer((client) => {
    const upstream = connect({ host: "127.0.0.1", port: upstreamPort });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (chunk: Buffer) => upstream.write(chunk));
    upstream.on("data", (chunk: Buffer) => {
      if (!isDropping) {
        client.write(chunk);
        return;
      }
      droppedBytes += chunk.length;
      client.destroy();
    });
  });
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get droppedBytes() {
      return droppedBytes;
    },
    dropAnswers: (drop) => {
      isDropping = drop;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
