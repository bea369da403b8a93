import { openSync } from "node:fs";
import { devNull } from "node:os";
import { CachingResolver } from "../src/caching-resolver.ts";
import { dialOf } from "./dial-of.ts";
import "./read-modes.ts";

// Run as a process of its own with few descriptors: uses them all up, dials, and prints how that ended.
const resolver = new CachingResolver();
try {
  for (;;) openSync(devNull, "r");
} catch {
  const result = await dialOf({ host: "127.0.0.1", port: 9, timeoutMs: 2_000, resolver });
  process.stdout.write(result.ok ? "OK" : result.code);
}
