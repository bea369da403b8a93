import { type RedisServer, redisInfoField } from "@shadowfleet/testkit";
import type { FleetProcess } from "../fleet-process.ts";
import type { FigureName, Point, Series } from "./series.ts";

/** Resources of the event loop that are sockets or listen for them. */
const SOCKET_KINDS = /^(TCPSocketWrap|TCPServerWrap|UDPWrap|PipeWrap|TLSWrap)$/;

/** Reads every figure of processes and Redis at once, again and again. */
export class Sampler {
  readonly #processes: ReadonlyMap<string, FleetProcess>;
  readonly #redis: RedisServer;
  readonly #points = new Map<string, { readonly part: string; readonly figure: FigureName; readonly points: Point[] }>();
  readonly #startedMs = performance.now();

  /** Processes by the name they get in the report. */
  constructor(processes: ReadonlyMap<string, FleetProcess>, redis: RedisServer) {
    this.#processes = processes;
    this.#redis = redis;
  }

  get series(): readonly Series[] {
    return [...this.#points.values()];
  }

  /** One reading, kept. */
  async sample(): Promise<void> {
    const readings = await this.read();
    const seconds = (performance.now() - this.#startedMs) / 1000;
    for (const [part, figures] of readings) {
      for (const [figure, value] of Object.entries(figures) as [FigureName, number][]) {
        const key = `${part} ${figure}`;
        const series = this.#points.get(key) ?? { part, figure, points: [] };
        series.points.push({ seconds, value });
        this.#points.set(key, series);
      }
    }
  }

  /** One reading. */
  async read(): Promise<ReadonlyMap<string, Partial<Record<FigureName, number>>>> {
    const parts = [...this.#processes].map(async ([part, process]) => [part, figuresOf(await process.metrics())] as const);
    return new Map([...(await Promise.all(parts)), ["Redis", await redisFigures(this.#redis)] as const]);
  }
}

function figuresOf(metrics: string): Partial<Record<FigureName, number>> {
  let [heap, sockets, timers, descriptors, rss] = [0, 0, 0, 0, 0];
  for (const line of metrics.split("\n")) {
    const [, name = "", labels = "", value = ""] = /^([a-zA-Z0-9_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    const kind = /v8js_resource_type="([^"]*)"/.exec(labels)?.[1] ?? "";
    if (name === "v8js_memory_heap_used") heap += Number(value);
    else if (name === "process_resident_memory_bytes") rss = Number(value);
    else if (name === "process_open_fds") descriptors = Number(value);
    else if (name === "v8js_resource_active" && SOCKET_KINDS.test(kind)) sockets += Number(value);
    else if (name === "v8js_resource_active" && kind === "Timeout") timers += Number(value);
  }
  return { rss, heap, descriptors, sockets, timers };
}

async function redisFigures(redis: RedisServer): Promise<Partial<Record<FigureName, number>>> {
  const [, keys = 0, expiring = 0] = /keys=(\d+),expires=(\d+)/.exec(await redis.cli("INFO", "keyspace")) ?? [];
  const redisMemory = Number(redisInfoField(await redis.cli("INFO", "memory"), "used_memory"));
  return { redisKeys: Number(keys) - Number(expiring), redisExpiring: Number(expiring), redisMemory };
}
