import { setTimeout as sleep } from "node:timers/promises";
import type { FuzzTarget } from "../harness/target.ts";

const MAGIC = 0x17;
const leak: Buffer[] = [];

/** A reader of `magic ‖ length u8 ‖ type ‖ body` that believes the length: what a truncated message makes of it is the bug. */
const believesLength: FuzzTarget = {
  name: "believes-length",
  reaches: ["ok", "refused"],
  unit: 3_000,
  generate: (random) => {
    const body = random.bytes(random.below(30));
    return [Buffer.of(MAGIC, body.length, random.below(3)), body];
  },
  execute(parts) {
    const bytes = Buffer.concat(parts);
    if (bytes.length < 3 || bytes[0] !== MAGIC) return "refused";
    if (bytes[2] === 1) bytes.readUInt8(2 + bytes[1]!);
    return "ok";
  },
};

const hangs: FuzzTarget = {
  ...believesLength,
  name: "hangs",
  unit: 500,
  execute(parts) {
    const bytes = Buffer.concat(parts);
    // A chunk of length zero never brings the reader forward.
    for (let at = 0; at < bytes.length && bytes[0] === MAGIC; at += bytes[1]!) if (at > bytes.length) break;
    return "ok";
  },
};

const leaks: FuzzTarget = {
  ...believesLength,
  name: "leaks",
  unit: 500,
  heapAllowance: 4 * 1024 * 1024,
  execute(parts) {
    leak.push(Buffer.alloc(8_192, parts[0]?.[0] ?? 0));
    return "ok";
  },
};

const rejects: FuzzTarget = {
  ...believesLength,
  name: "rejects",
  unit: 200,
  async execute(parts) {
    if (parts[0]?.[2] === 2) void Promise.reject(new Error("nobody waits for this"));
    await sleep(0);
    return "ok";
  },
};

const dies: FuzzTarget = {
  ...believesLength,
  name: "dies",
  unit: 200,
  execute(parts) {
    if (parts[0]?.[0] !== MAGIC) process.kill(process.pid, "SIGKILL");
    return "ok";
  },
};

const sound: FuzzTarget = { ...believesLength, name: "sound", execute: (parts) => (parts[0]?.[0] === MAGIC ? "ok" : "refused") };

/** Each of the bugs the fuzzer is for, and one target without any. */
export const targets: readonly FuzzTarget[] = [believesLength, hangs, leaks, rejects, dies, sound];
