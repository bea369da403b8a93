import type { PseudoRandom } from "@shadowfleet/testkit";
import { openings } from "./openings.ts";
import { credentialOf, type ProbedFleet, type ProbedPort } from "./probed-fleet.ts";

/** One connection of a prober. */
export interface Probe {
  readonly port: ProbedPort;
  /** Which of the two relays gets it. */
  readonly relay: number;
  /** Why it must fail; a row of the table. */
  readonly cause: string;
  /** Made when the probe begins, because some of it is true for seconds only. */
  readonly pieces: () => readonly Buffer[];
  readonly gapMs?: number;
  readonly ending: Ending;
}

/** What the prober does behind its last piece: it waits, ends its direction, or has never stopped writing when the relay closes. */
export type Ending = "waits" | "ends" | "writes on";

const LONGEST = 1_500;
const FEW = 20;
const DRIPS = 16;
const HUGE_PIECES = 6;
const HUGE_PIECE_LENGTH = 20_000;
/** Beyond the 30 s that SIP022 allows, with time to spare for the way. */
const CLOCK_OFF_SECONDS = 40;

/** Places of the bytes changed in a replay: few, as censors do it. */
const ALTERATIONS: readonly (readonly number[])[] = [[0], [0, 1, 2, 3, 4, 5, 6, 7, 62, 63], [16], [6, 16], [6], [31, 32, 33]];

const range = (length: number): number[] => Array.from({ length }, (_, at) => at);

/** Everything that needs no stream recorded before. */
export async function freshProbes(fleet: ProbedFleet, port: ProbedPort, random: PseudoRandom): Promise<Probe[]> {
  const { credential, method } = port;
  const is2022 = method.startsWith("2022");
  const stranger = credentialOf(method, is2022 ? Buffer.alloc(32, 9).toString("base64") : "another password");
  const { length } = fleet.request(credential);
  const of = (count: number, cause: string, pieces: (at: number) => readonly Buffer[], more: Partial<Probe> = {}): Probe[] =>
    range(count).map((at) => ({ port, relay: random.below(2), cause, pieces: () => pieces(at), ending: "waits", ...more }));
  const hello = await openings();
  // The last bytes never come: a SIP004 handshake may arrive as slowly as it likes and is served once it is whole.
  const unfinished = () => drops(fleet.request(credential).subarray(0, length - 8));
  const noise = () => drops(random.bytes(length - 8));
  const [within, beyond] = [0.4, 1.5].map((share) => ({ gapMs: Math.ceil((share * fleet.handshakeMs) / DRIPS) }));
  return [
    ...of(FEW, "nothing", () => []),
    ...of(LONGEST, `random bytes, 1 to ${LONGEST}`, (at) => [random.bytes(at + 1)]),
    ...of(FEW, "random bytes, 120,000", () => range(HUGE_PIECES).map(() => random.bytes(HUGE_PIECE_LENGTH))),
    ...of(length - 1, "valid handshake, cut short at each byte", (at) => [fleet.request(credential).subarray(0, at + 1)]),
    ...of(length, "valid handshake, each byte changed", (at) => [flip(fleet.request(credential), at, random)]),
    ...of(FEW, "valid handshake under another key", () => [fleet.request(stranger)]),
    ...of(is2022 ? FEW : 0, "valid handshake, clock 40 s off", (at) => [
      fleet.request(credential, at % 2 ? CLOCK_OFF_SECONDS : -CLOCK_OFF_SECONDS),
    ]),
    ...of(FEW, "valid handshake, dripping, unfinished", unfinished, within),
    ...of(FEW, "random bytes, dripping", noise, within),
    ...of(FEW, "valid handshake, dripping, unfinished", unfinished, { ...beyond, ending: "writes on" }),
    ...of(FEW, "random bytes, dripping", noise, { ...beyond, ending: "writes on" }),
    ...of(3 * hello.length, "openings of TLS, HTTP, SSH and others", (at) => [hello[at % hello.length]!]),
  ];
}

/** Streams recorded for each port and delay. */
export const RECORDINGS = 2 * FEW;

/** Records one stream at the first relay; gives what a prober makes of it `delayS` later, at one or the other relay. */
export async function recordedProbes(fleet: ProbedFleet, port: ProbedPort, delayS: number, at: number): Promise<Probe[]> {
  const when = delayS === 0 ? "at once" : `after ${delayS} s`;
  const { request, answer } = await fleet.serve(0, port);
  const relay = at % 2;
  const where = relay === 0 ? "same relay" : "other relay";
  const altered = Buffer.from(request);
  for (const place of ALTERATIONS[at % ALTERATIONS.length] ?? []) altered[place]! ^= 0x55;
  const ending: Ending = at % 4 < 2 ? "waits" : "ends";
  const of = (cause: string, bytes: Buffer): Probe => ({ port, relay, cause, pieces: () => [bytes], ending });
  return [
    of(`replay ${when}, ${where}`, request),
    of(`replay ${when}, bytes changed`, altered),
    of(`server's bytes sent back ${when}, ${where}`, answer),
  ];
}

/** Some of each cause again, ending behind what they send. */
export function endingToo(probes: readonly Probe[]): Probe[] {
  const quick = probes.filter(({ gapMs }) => gapMs === undefined);
  return [...Map.groupBy(quick, ({ cause, port }) => `${port.number} ${cause}`).values()].flatMap((same) => {
    const step = Math.ceil(same.length / FEW);
    return same.filter((_, at) => at % step === 0).map((probe): Probe => ({ ...probe, ending: "ends" }));
  });
}

/** In an order that a seed decides, so that what a busy machine does to times it does to all causes alike. */
export function shuffled<T>(items: readonly T[], random: PseudoRandom): T[] {
  const mixed = [...items];
  for (let at = mixed.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [mixed[at], mixed[other]] = [mixed[other]!, mixed[at]!];
  }
  return mixed;
}

function flip(bytes: Buffer, at: number, random: PseudoRandom): Buffer {
  bytes[at]! ^= 1 << random.below(8);
  return bytes;
}

function drops(bytes: Buffer): Buffer[] {
  const length = Math.ceil(bytes.length / DRIPS);
  return range(DRIPS).map((at) => bytes.subarray(at * length, (at + 1) * length));
}
