import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { figuresOf, type LatencyFigures } from "../floods/latencies.ts";
import { relayClients } from "../floods/tcp-clients.ts";
import { openAssociation } from "../floods/udp-client.ts";
import type { CrowdedFleet } from "./crowded-fleet.ts";
import { clientSecret, type Point } from "./point.ts";

/** What `relayClients` sends, and gets back. */
const PAYLOAD_BYTES = "are you there".length;
/** The question of a new association. */
const QUESTION_BYTES = 1;
/** Far from each other in any order, and every key's turn comes. */
const STRIDE = 7_919;
/** More than any method's salt and first chunk. */
const STRANGER_BYTES = 120;
const STRANGER_STAYS_MS = 20;

/** Connections of one kind, one after another. */
export interface Visits {
  readonly latency: LatencyFigures;
  /** Of the tcp-relay, per connection. */
  readonly cpuMicroseconds: number;
}

/** An address that nobody else of this fleet has. */
function sourceOf(place: number, attempt: number): string {
  return `127.${10 + place}.${1 + (attempt >> 8)}.${attempt & 0xff}`;
}

/** So many connections to one port, each with another key and from another address, until the target's first byte is back. The same twice: the same clients. */
export async function visit(fleet: CrowdedFleet, point: Point, place: number, connections: number): Promise<Visits> {
  const keyOf = (attempt: number): number => (attempt * STRIDE) % point.keys.length;
  const { ask } = relayClients({
    name: point.lookup,
    port: point.port,
    method: point.method,
    target: fleet.echo,
    localAddress: (attempt) => sourceOf(place, attempt),
    secret: (attempt) => clientSecret(point, keyOf(attempt)),
  });
  const milliseconds: number[] = [];
  const before = fleet.usage();
  for (let attempt = 0; attempt < connections; attempt++) {
    const took = await ask(attempt);
    if (took === undefined) continue;
    milliseconds.push(took);
    fleet.count(point.keys[keyOf(attempt)]!.id, "tcp", PAYLOAD_BYTES);
  }
  const { cpuSeconds } = fleet.usage();
  return {
    latency: figuresOf({ name: point.lookup, milliseconds, failed: connections - milliseconds.length }),
    cpuMicroseconds: ((cpuSeconds - before.cpuSeconds) * 1e6) / connections,
  };
}

/** One datagram and its echo for each of so many keys; how many were answered. */
export async function visitByUdp(fleet: CrowdedFleet, point: Point, place: number, associations: number): Promise<number> {
  let answered = 0;
  for (let attempt = 0; attempt < Math.min(associations, point.keys.length); attempt++) {
    const index = (attempt * STRIDE) % point.keys.length;
    await using client = await openAssociation({
      name: point.lookup,
      port: point.port,
      method: point.method,
      secret: clientSecret(point, index),
      localAddress: sourceOf(place, attempt),
      target: fleet.udpEcho,
    });
    if ((await client.ask(attempt)) === undefined) continue;
    answered++;
    fleet.count(point.keys[index]!.id, "udp", QUESTION_BYTES);
  }
  return answered;
}

/** Connections without a key, each from an address of its own; CPU seconds of the tcp-relay for all of them. */
export async function intrude(fleet: CrowdedFleet, { port }: Point, place: number, connections: number): Promise<number> {
  const before = fleet.usage();
  for (let attempt = 0; attempt < connections; attempt++) {
    const socket = connect({ host: "127.0.0.1", port, localAddress: sourceOf(place, attempt), noDelay: true });
    await once(socket, "connect");
    socket.write(randomBytes(STRANGER_BYTES));
    await new Promise((resolve) => setTimeout(resolve, STRANGER_STAYS_MS));
    socket.destroy();
  }
  return fleet.usage().cpuSeconds - before.cpuSeconds;
}
