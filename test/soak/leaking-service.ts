/** A tcp-relay that leaks on purpose: a descriptor, a timer and memory again and again. What watches for leaks must see it. */
import { open } from "node:fs/promises";
import { runService } from "@shadowfleet/runtime";
import { tcpRelayService } from "@shadowfleet/tcp-relay";

const EVERY_MS = 200;
const MEMORY_BYTES = 512 * 1024;
const DAY_MS = 86_400_000;

const kept: unknown[] = [];
setInterval(async () => {
  kept.push(await open("/dev/null"), Buffer.alloc(MEMORY_BYTES, 1), Array.from({ length: MEMORY_BYTES / 16 }, Math.random));
  setTimeout(() => kept.length, DAY_MS);
}, EVERY_MS);

await runService(tcpRelayService);
