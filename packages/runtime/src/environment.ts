import { randomFillSync } from "node:crypto";
import type { WireEnvironment } from "@shadowfleet/wire";
import { type Clock, systemClock } from "./clock.ts";

// A call into OpenSSL costs over a microsecond whatever its size; salts and nonces are 4 to 32 bytes, a few for every connection or packet.
const POOL_BYTES = 8192;
const LARGEST_POOLED = 512;

/** Randomness from `node:crypto`, drawn in blocks and never handed out twice, and whole seconds of the given clock. */
export function createEnvironment(clock: Clock): WireEnvironment {
  const pool = Buffer.allocUnsafeSlow(POOL_BYTES);
  let used = POOL_BYTES;
  return {
    random(target) {
      if (target.length > LARGEST_POOLED) {
        randomFillSync(target);
        return;
      }
      if (used + target.length > POOL_BYTES) {
        randomFillSync(pool);
        used = 0;
      }
      // So few bytes are moved quicker than by a call. What was handed out may have become a key or nonce: it does not stay readable here.
      for (let at = 0; at < target.length; at++) {
        target[at] = pool[used]!;
        pool[used++] = 0;
      }
    },
    unixSeconds: () => Math.floor(clock.now() / 1000),
  };
}

export const systemEnvironment: WireEnvironment = createEnvironment(systemClock);
