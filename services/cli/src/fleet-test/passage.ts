import { randomBytes } from "node:crypto";
import type { HostPort } from "@shadowfleet/runtime";
import { ByteConnection } from "./byte-connection.ts";
import { DatagramFlow } from "./datagram-flow.ts";
import { explainEchoFailure, explainGatewayFailure, type Protocol } from "./passage-failure.ts";
import { CONNECT, type Login, type SocksCommand, socksRequest, UDP_ASSOCIATE } from "./socks-request.ts";

/** What is sent where. */
export interface Passage {
  readonly gateway: HostPort;
  readonly login: Login | undefined;
  /** The echo as the relay reaches it. */
  readonly echo: HostPort;
  /** For the whole of it. */
  readonly deadlineMs: number;
}

export interface TcpPassed {
  /** In each direction. */
  readonly bytes: number;
  readonly tookMs: number;
}

export interface UdpPassed {
  /** Payload of the datagrams that came back. */
  readonly bytes: number;
  /** Payload of all that were sent: more, when some were lost on the way there or back. */
  readonly sentBytes: number;
  readonly tookMs: number;
}

const DATAGRAMS = 4;
const DATAGRAM_LENGTH = 512;
/** Of a UDP client that does not say where its datagrams will come from. */
const ANYWHERE: HostPort = { host: "0.0.0.0", port: 0 };

/** Has random bytes go to the echo and back over one connection. Rejects with Failure. */
export async function passTcp(passage: Passage, bytes: number): Promise<TcpPassed> {
  const payload = randomBytes(bytes);
  const tookMs = await pass("TCP", passage, CONNECT, passage.echo, async ({ connection }) => {
    connection.write(payload);
    if (!(await connection.read(bytes)).equals(payload)) throw new RangeError("other bytes came back than were sent");
  });
  return { bytes, tookMs };
}

/** Has datagrams go to the echo and back, one after the other, each again until it has come back. Rejects with Failure. */
export async function passUdp(passage: Passage): Promise<UdpPassed> {
  let sent = 0;
  const tookMs = await pass("UDP", passage, UDP_ASSOCIATE, ANYWHERE, async ({ connection, bound }, signal) => {
    // RFC 1928 lets a proxy say "here" instead of its address.
    const isHere = bound.host === "0.0.0.0" || bound.host === "::";
    using flow = await DatagramFlow.open({ host: isHere ? connection.remoteHost : bound.host, port: bound.port }, passage.echo);
    for (let index = 0; index < DATAGRAMS; index++) sent += await flow.exchange(randomBytes(DATAGRAM_LENGTH), signal);
  });
  return { bytes: DATAGRAMS * DATAGRAM_LENGTH, sentBytes: sent * DATAGRAM_LENGTH, tookMs };
}

interface Granted {
  readonly connection: ByteConnection;
  readonly bound: HostPort;
}

/** Asks the gateway, then has `exchange` use what it granted; how many milliseconds both took. */
async function pass(
  protocol: Protocol,
  passage: Passage,
  command: SocksCommand,
  target: HostPort,
  exchange: (granted: Granted, signal: AbortSignal) => Promise<void>,
): Promise<number> {
  const startedMs = performance.now();
  const signal = AbortSignal.timeout(passage.deadlineMs);
  let isGranted = false;
  try {
    using connection = await ByteConnection.open(passage.gateway, signal);
    const bound = await socksRequest(connection, command, target, passage.login);
    isGranted = true;
    await exchange({ connection, bound }, signal);
  } catch (error) {
    throw isGranted ? explainEchoFailure(protocol, passage, error) : explainGatewayFailure(protocol, passage, error);
  }
  return Math.round(performance.now() - startedMs);
}
