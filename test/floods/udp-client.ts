import { createSocket } from "node:dgram";
import { once } from "node:events";
import { systemEnvironment } from "@shadowfleet/runtime";
import type { SocksEndpoint } from "@shadowfleet/testkit";
import { addressFrom, createClientPacketCodec } from "@shadowfleet/wire";
import { credentialOf } from "./generator/flood-plan.ts";
import type { HonestGroup } from "./honest-group.ts";

/** An answer that has not come by then is lost. */
const PATIENCE_MS = 2_000;

export interface AssociationOptions {
  readonly name: string;
  readonly port: number;
  readonly method: string;
  readonly secret: string;
  readonly localAddress: string;
  readonly target: SocksEndpoint;
}

/** One association that is kept: its client asks and waits for the echo. */
export interface AssociationClient extends HonestGroup, AsyncDisposable {}

export async function openAssociation(options: AssociationOptions): Promise<AssociationClient> {
  const codec = createClientPacketCodec(credentialOf(options), systemEnvironment);
  const target = addressFrom(options.target.host, options.target.port)!;
  const socket = createSocket("udp4");
  socket.bind({ address: options.localAddress });
  await once(socket, "listening");
  /** Told when the answer to the question of that number comes. */
  const waiting = new Map<string, () => void>();
  let asked = 0;
  socket.on("message", (datagram) => {
    const answer = codec.open(datagram);
    if (answer.ok) waiting.get(answer.payload.toString())?.();
  });
  const ask = (): Promise<number | undefined> => {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    const question = String(++asked);
    const startedMs = performance.now();
    const finish = (milliseconds: number | undefined): void => {
      clearTimeout(timer);
      waiting.delete(question);
      resolve(milliseconds);
    };
    const timer = setTimeout(finish, PATIENCE_MS, undefined);
    waiting.set(question, () => finish(performance.now() - startedMs));
    socket.send(codec.seal(target, Buffer.from(question)), options.port, "127.0.0.1");
    return promise;
  };
  return { name: options.name, ask, [Symbol.asyncDispose]: async () => void socket.close() };
}
