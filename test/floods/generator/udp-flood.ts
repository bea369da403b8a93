import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { systemEnvironment } from "@shadowfleet/runtime";
import { PseudoRandom } from "@shadowfleet/testkit";
import { addressFrom, createClientPacketCodec } from "@shadowfleet/wire";
import { credentialOf, type FloodPlan, type FloodResult } from "./flood-plan.ts";
import { atRate } from "./pace.ts";

const WRONG_LENGTHS = { least: 60, span: 300 };

/** Datagrams to a relay from `maxOpen` source ports, one after the other. */
export async function runUdpFlood(plan: FloodPlan): Promise<FloodResult> {
  const sink = await bind("127.0.0.1");
  const target = addressFrom("127.0.0.1", sink.address().port)!;
  const codec = createClientPacketCodec(credentialOf(plan), systemEnvironment);
  const random = new PseudoRandom(plan.seed);
  const sockets: Socket[] = [];
  let answeredBytes = 0;
  for (let at = 0; at < plan.maxOpen; at++) {
    const socket = await bind(plan.sources[at % plan.sources.length]!);
    socket.on("message", (bytes) => {
      answeredBytes += bytes.length;
    });
    sockets.push(socket);
  }
  let sent = 0;
  await atRate(plan.perSecond, plan.seconds, () => {
    const isWrong = plan.kind === "udp-wrong";
    const datagram = isWrong
      ? random.bytes(WRONG_LENGTHS.least + random.below(WRONG_LENGTHS.span))
      : codec.seal(target, Buffer.from("flood"));
    sockets[sent % sockets.length]!.send(datagram, plan.port, "127.0.0.1");
    sent += 1;
  });
  for (const socket of [sink, ...sockets]) socket.close();
  return { sent, refused: 0, closedByRelay: 0, answeredBytes, mostOpen: sockets.length };
}

async function bind(address: string): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind({ address });
  await once(socket, "listening");
  return socket;
}
