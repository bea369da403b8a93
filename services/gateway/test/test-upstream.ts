import assert from "node:assert/strict";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { systemEnvironment } from "@shadowfleet/runtime";
import { bindUdp, closeUdp, freePort, type LoopbackHost, startTcpTarget } from "@shadowfleet/testkit";
import {
  type AcceptedStream,
  addressFrom,
  createServerHandshake,
  createServerPacketCodec,
  deriveCredential,
  FAILED,
  findMethod,
  formatHostPort,
  type KeyRing,
  type OpenedRequest,
  type ServerKey,
  type StreamTransform,
} from "@shadowfleet/wire";

/** A request as the upstream saw it. */
export interface SeenRequest {
  readonly target: string;
  /** What came in the first packet with the address. */
  readonly payload: string;
}

export interface TestUpstreamOptions {
  readonly method?: string;
  readonly host?: LoopbackHost;
  /** Names that stand for loopback addresses at the upstream, where names of targets are resolved. */
  readonly names?: Readonly<Record<string, string>>;
}

/** A Shadowsocks server of the test's own, built from the wire library's server side: TCP and UDP on one port number. */
export interface TestUpstream {
  readonly host: LoopbackHost;
  readonly port: number;
  readonly method: string;
  readonly secret: string;
  readonly requests: readonly SeenRequest[];
  /** TCP connections so far. */
  readonly accepted: number;
  /** UDP targets, one an arrived packet. */
  readonly packets: readonly string[];
  /** As the gateway's file names it. */
  readonly entry: { readonly host: string; readonly port: number; readonly method: string; readonly secret: string };
}

function secretOf(method: string): string {
  const { kind, keyLength } = findMethod(method)!;
  return kind === "aead-2022" ? Buffer.alloc(keyLength, 9).toString("base64") : "the upstream's password";
}

function ringOf(method: string, secret: string): KeyRing<ServerKey> {
  const derived = deriveCredential(method, secret);
  assert.ok(derived.ok);
  const key = { credential: derived.credential };
  return { candidates: () => [key], found: () => {}, single: key, identityKey: undefined, byIdentity: () => undefined };
}

export async function startTestUpstream(t: TestContext, options: TestUpstreamOptions = {}): Promise<TestUpstream> {
  const { method = "aes-128-gcm", host = "127.0.0.1", names = {} } = options;
  const secret = secretOf(method);
  const ring = ringOf(method, secret);
  const requests: SeenRequest[] = [];
  const packets: string[] = [];
  const resolve = (name: string) => names[name] ?? name;
  const port = await freePort();
  const tcp = await startTcpTarget((socket) => serveStream(socket, method, ring, requests, resolve), { host, port });
  const udp = await bindUdp({ host, port });
  const outward = servePackets(udp, method, ring, packets, resolve);
  t.after(async () => {
    await Promise.all([tcp.close(), closeUdp(udp)]);
    for (const socket of outward.values()) socket.close();
  });
  return {
    host,
    port: tcp.port,
    method,
    secret,
    requests,
    packets,
    get accepted() {
      return tcp.accepted;
    },
    entry: { host, port: tcp.port, method, secret },
  };
}

function serveStream(
  client: Socket,
  method: string,
  ring: KeyRing<ServerKey>,
  requests: SeenRequest[],
  resolve: (name: string) => string,
): void {
  const handshake = createServerHandshake(findMethod(method)!, ring, systemEnvironment, { saltFilter: undefined });
  const onData = (chunk: Buffer): void => {
    const outcome = handshake.push(chunk, 0, chunk.length);
    if (!outcome) return;
    client.off("data", onData);
    // A stranger is listened to in silence.
    if (!outcome.ok) {
      client.resume();
      return;
    }
    client.pause();
    requests.push({ target: formatHostPort(outcome.target), payload: outcome.payload.toString("latin1") });
    reachTarget(client, outcome, resolve(outcome.target.host));
  };
  client.on("data", onData);
}

function reachTarget(client: Socket, { target: { port }, payload, opener, sealer }: AcceptedStream<ServerKey>, host: string): void {
  const target = connect({ host, port, allowHalfOpen: true, noDelay: true });
  target.on("error", () => client.destroy());
  client.on("close", () => target.destroy());
  target.on("connect", () => {
    if (payload.length > 0) target.write(payload);
    forward(client, target, opener);
    forward(target, client, sealer);
  });
}

function forward(from: Socket, to: Socket, transform: StreamTransform): void {
  from.on("data", (chunk: Buffer) => {
    const out = Buffer.alloc(transform.bound(chunk.length));
    const written = transform.push(chunk, 0, chunk.length, out, 0);
    if (written === FAILED) {
      from.destroy();
      to.destroy();
    } else if (written > 0 && !to.write(out.subarray(0, written))) {
      from.pause();
      to.once("drain", () => from.resume());
    }
  });
  // A paused socket still tells its end, which may have been before the target was reached.
  if (from.readableEnded) to.end();
  else from.on("end", () => to.end());
  from.resume();
}

function servePackets(
  udp: UdpSocket,
  method: string,
  ring: KeyRing<ServerKey>,
  packets: string[],
  resolve: (name: string) => string,
): ReadonlyMap<string, UdpSocket> {
  const codec = createServerPacketCodec<ServerKey>(findMethod(method)!, systemEnvironment, { saltFilter: undefined });
  const outward = new Map<string, UdpSocket>();
  const open = (family: string, { key, session }: OpenedRequest<ServerKey>, host: string, port: number): UdpSocket => {
    const id = `${host} ${port} ${family}`;
    const known = outward.get(id);
    if (known) return known;
    const socket = createSocket(family === "6" ? "udp6" : "udp4");
    socket.on("error", () => {});
    socket.on("message", (payload, peer) => udp.send(codec.seal(key, session, addressFrom(peer.address, peer.port)!, payload), port, host));
    outward.set(id, socket);
    return socket;
  };
  udp.on("message", (datagram, peer) => {
    const request = codec.open(datagram, ring);
    if (!request.ok) return;
    packets.push(formatHostPort(request.target));
    const host = resolve(request.target.host);
    open(host.includes(":") ? "6" : "4", request, peer.address, peer.port).send(request.payload, request.target.port, host);
  });
  return outward;
}
