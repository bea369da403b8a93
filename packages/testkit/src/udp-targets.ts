import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { extendTarget, type LoopbackHost, type LoopbackOptions, type LoopbackTarget } from "./loopback-server.ts";
import { ResultQueue } from "./result-queue.ts";

const SOCKET_BUFFER_LENGTH = 4 * 1024 * 1024;

export interface Datagram {
  readonly payload: Buffer;
  /** Who sent it. */
  readonly host: string;
  readonly port: number;
}

export interface UdpTarget extends LoopbackTarget {
  /** Datagrams received since the start. */
  readonly receivedPackets: number;
  /** The oldest datagram not taken yet. */
  received(deadlineMs?: number): Promise<Datagram>;
}

/** Sends each datagram back to its sender. */
export function startUdpEchoTarget(options?: LoopbackOptions): Promise<UdpTarget> {
  return startUdpTarget((payload, sender, socket) => socket.send(payload, sender.port, sender.address, ignoreSendError), options);
}

/** Receives and never answers. */
export function startSilentUdpTarget(options?: LoopbackOptions): Promise<UdpTarget> {
  return startUdpTarget(() => {}, options);
}

export interface ManySourceTarget extends UdpTarget {
  /** The ports answers come from; the target's own is not among them. */
  readonly sourcePorts: readonly number[];
}

/** Answers each datagram once from every one of `sources` other ports (full cone, RFC 4787 §5), never from the one it was sent to. */
export async function startManySourceUdpTarget(sources: number, options: LoopbackOptions = {}): Promise<ManySourceTarget> {
  const others = await Promise.all(Array.from({ length: sources }, () => bindUdp({ host: options.host ?? "127.0.0.1" })));
  const target = await startUdpTarget((payload, sender) => {
    for (const other of others) other.send(payload, sender.port, sender.address, ignoreSendError);
  }, options);
  const closeTarget = target.close;
  const close = async (): Promise<void> => {
    await Promise.all([closeTarget(), ...others.map(closeUdp)]);
  };
  const sourcePorts = others.map((other) => other.address().port);
  return extendTarget(target, { sourcePorts, close, [Symbol.asyncDispose]: close });
}

/** An answer to someone who is gone already. */
function ignoreSendError(): void {}

async function startUdpTarget(
  serve: (payload: Buffer, sender: RemoteInfo, socket: Socket) => void,
  options: LoopbackOptions = {},
): Promise<UdpTarget> {
  const host = options.host ?? "127.0.0.1";
  const socket = await bindUdp({ host, port: options.port ?? 0 });
  const results = new ResultQueue<Datagram>();
  let receivedPackets = 0;
  socket.on("message", (payload, sender) => {
    receivedPackets++;
    results.push({ payload, host: sender.address, port: sender.port });
    serve(payload, sender, socket);
  });
  const close = (): Promise<void> => closeUdp(socket);
  return {
    host,
    port: socket.address().port,
    get receivedPackets() {
      return receivedPackets;
    },
    received: (deadlineMs) => results.next("a datagram at the target", deadlineMs),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A UDP socket bound on loopback, with buffers large enough that a burst of large datagrams is not lost to the test itself. */
export async function bindUdp(address: { readonly host: LoopbackHost; readonly port?: number }): Promise<Socket> {
  const socket = createSocket({
    type: address.host === "::1" ? "udp6" : "udp4",
    ipv6Only: address.host === "::1",
    recvBufferSize: SOCKET_BUFFER_LENGTH,
    sendBufferSize: SOCKET_BUFFER_LENGTH,
  });
  socket.bind(address.port ?? 0, address.host);
  await once(socket, "listening");
  // Errors after the bind are ICMP answers to earlier sends; the test sees what arrives, not these.
  socket.on("error", () => {});
  return socket;
}

/** Closes it and resolves when it is; does nothing the second time. */
export async function closeUdp(socket: Socket): Promise<void> {
  const closed = once(socket, "close");
  try {
    socket.close();
  } catch {
    return;
  }
  await closed;
}
