import { createSocket } from "node:dgram";
import { openSocket, PseudoRandom, type SocksEndpoint } from "@shadowfleet/testkit";

const CONNECTIONS = 300;
const BYTES_EACH = 16 * 1024;
const DATAGRAMS = 500;
const LONGEST_DATAGRAM = 1_400;
const SEED = 9;

/** Connections that say bytes which mean nothing and stay, until disposed of or closed from there. */
export async function holdGarbage({ host, port }: SocksEndpoint, count = CONNECTIONS): Promise<AsyncDisposable> {
  const random = new PseudoRandom(SEED);
  const opening = Array.from({ length: count }, () => openSocket({ host, port }));
  const sockets = (await Promise.allSettled(opening)).flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  for (const socket of sockets) socket.resume().write(random.bytes(BYTES_EACH));
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Datagrams of all lengths that mean nothing. */
export async function sendGarbage({ host, port }: SocksEndpoint): Promise<void> {
  const random = new PseudoRandom(SEED);
  const socket = createSocket("udp4");
  for (let sent = 0; sent < DATAGRAMS; sent++) {
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.send(random.bytes(random.below(LONGEST_DATAGRAM)), port, host, () => resolve());
    await promise;
  }
  socket.close();
}
