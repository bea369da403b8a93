import { connect } from "node:net";
import { systemEnvironment } from "@shadowfleet/runtime";
import { readExactly, type SocksEndpoint, socks5Request } from "@shadowfleet/testkit";
import { addressFrom, createClientStream, FAILED } from "@shadowfleet/wire";
import { credentialOf } from "./generator/flood-plan.ts";
import type { HonestGroup } from "./honest-group.ts";

const PAYLOAD = Buffer.from("are you there");
/** A client that has waited so long counts as not served. */
const PATIENCE_MS = 5_000;

export interface RelayClients {
  readonly name: string;
  readonly port: number;
  readonly method: string;
  readonly target: SocksEndpoint;
  /** By the number of the attempt. */
  readonly localAddress: (attempt: number) => string;
  readonly secret: (attempt: number) => string;
}

/** Shadowsocks clients of a relay: a new connection each time, measured from connecting to the target's first byte back. */
export function relayClients({ name, port, method, target, localAddress, secret }: RelayClients): HonestGroup {
  const address = addressFrom(target.host, target.port)!;
  const ask = (attempt: number): Promise<number | undefined> => {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    const stream = createClientStream(credentialOf({ method, secret: secret(attempt) }), systemEnvironment);
    const request = stream.sealRequest(address, PAYLOAD);
    const startedMs = performance.now();
    const socket = connect({ host: "127.0.0.1", port, localAddress: localAddress(attempt), noDelay: true });
    const finish = (milliseconds: number | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(milliseconds);
    };
    const timer = setTimeout(finish, PATIENCE_MS, undefined);
    socket.on("connect", () => socket.write(request));
    socket.on("data", (sealed: Buffer) => {
      const plain = Buffer.alloc(stream.opener.bound(sealed.length));
      const length = stream.opener.push(sealed, 0, sealed.length, plain, 0);
      if (length === FAILED) finish(undefined);
      else if (length > 0) finish(performance.now() - startedMs);
    });
    socket.on("error", () => finish(undefined));
    socket.on("end", () => finish(undefined));
    return promise;
  };
  return { name, ask };
}

/** SOCKS5 clients of a gateway, measured in the same way. */
export function gatewayClients(name: string, proxy: SocksEndpoint, target: SocksEndpoint): HonestGroup {
  const ask = async (): Promise<number | undefined> => {
    const startedMs = performance.now();
    try {
      const { socket } = await socks5Request({ proxy, target, early: PAYLOAD, deadlineMs: PATIENCE_MS });
      await readExactly(socket, PAYLOAD.length, PATIENCE_MS, "the echo").finally(() => socket.destroy());
      return performance.now() - startedMs;
    } catch {
      return undefined;
    }
  };
  return { name, ask };
}
