import { PseudoRandom } from "@shadowfleet/testkit";

const NAMES = ["example.com", "a", "xn--bcher-kva.example", "bücher.example", "sub.domain.example.", "x".repeat(63), "y".repeat(255)];
const LITERALS = [
  "127.0.0.1",
  "::1",
  "2001:db8::7",
  "[::1]",
  "::ffff:10.0.0.1",
  "127.1",
  "0x7f000001",
  "2130706433",
  "fe80::1%eth0",
  "1.2.3.4.",
];

export const pick = <T>(list: readonly T[], random: PseudoRandom): T => list[random.below(list.length)] as T;

/** ATYP ADDR PORT of any kind, mostly such as clients send. */
export function addressBytes(random: PseudoRandom): Buffer {
  const kind = random.below(8);
  if (kind < 3) return Buffer.concat([Buffer.of(1), random.bytes(6)]);
  if (kind < 5) return Buffer.concat([Buffer.of(4), random.bytes(18)]);
  const name = Buffer.from(kind === 7 ? pick(LITERALS, random) : pick(NAMES, random)).subarray(0, 255);
  return Buffer.concat([Buffer.of(3, name.length), name, random.bytes(2)]);
}

const NOISE = new PseudoRandom(1).bytes(0x1_0000);

/** A payload: often short, now and then several chunks long. Not to be written to. */
export function payloadBytes(random: PseudoRandom): Buffer {
  const length = random.below(pick([1, 8, 64, 64, 64, 600, 600, 600, 1_500, 1_500, random.below(8) === 0 ? 40_000 : 100], random));
  const at = random.below(NOISE.length - length);
  return NOISE.subarray(at, at + length);
}
