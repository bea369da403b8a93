import type { MetricName } from "../metric-registry.ts";
import { RUNTIME_METRICS } from "../runtime-metric-table.ts";
import { seriesName } from "../series-name.ts";

/** How the values of a group's processes become one. "first": what the first process says, and workers repeat. */
type Merging = "sum" | "max" | "min" | "first";

interface Family {
  /** Its `# HELP`, `# TYPE` and `# UNIT` lines. */
  readonly comments: readonly string[];
  readonly type: string;
  readonly samples: Map<string, number>;
}

type Families = Map<string, Family>;

const SAMPLE = /^([^{\s]+)(\{.*\})? (\S+)$/;
/** Describes one process; its labels differ from process to process. */
const TARGET_INFO = "target_info";

/** Counters and histograms add up. So do most gauges; these are the ones that say the same thing in every process, or the worst of all. */
const GAUGES: Readonly<Partial<Record<MetricName, Merging>>> = {
  "fleet.ports.bound": "min",
  "fleet.ports.failed": "max",
  "fleet.keys.active": "max",
  "fleet.config.revision": "min",
  "fleet.config.age.seconds": "max",
  "fleet.management.connected": "min",
  "fleet.store.available": "min",
  "fleet.draining": "max",
  "fleet.clock.seconds": "max",
  "fleet.aead.backend": "max",
  "fleet.build.info": "first",
  "fleet.config.reloads": "first",
  "fleet.workers": "first",
  "fleet.worker.exits": "first",
  "shadowsocks.upstream.fail.count": "max",
  "process.start.time.seconds": "first",
  "process.max.fds": "min",
};

const MERGING: ReadonlyMap<string, Merging> = new Map([
  ...Object.entries(GAUGES).map(([name, merging]) => [seriesName(name as MetricName), merging] as const),
  ...RUNTIME_METRICS.filter(({ series }) => series.startsWith("nodejs_eventloop_delay") || series === "nodejs_eventloop_utilization").map(
    ({ series }) => [series, "max"] as const,
  ),
]);

/** What the processes of a group say, as Prometheus text, made into one. Counters of a worker that ended stay in the sums. */
export class MergedMetrics {
  readonly #latest = new Map<number, Families>();
  readonly #ended: Families = new Map();

  /** Of the worker with that index. */
  take(index: number, text: string): void {
    this.#latest.set(index, parse(text));
  }

  /** That worker is no more; what it counted last is kept. */
  retire(index: number): void {
    const families = this.#latest.get(index) ?? new Map();
    this.#latest.delete(index);
    const counted = [...families].filter(([, { type }]) => type !== "gauge");
    merge(this.#ended, new Map(counted));
  }

  /** Together with the first process's own. */
  text(first: string): string {
    const merged = parse(first);
    for (const families of [this.#ended, ...this.#latest.values()]) merge(merged, families);
    return print(merged);
  }
}

/** `# TYPE` is the last of a family's comments. */
function parse(text: string): Families {
  const families: Families = new Map();
  let comments: string[] = [];
  let family: Family | undefined;
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) {
      comments.push(line);
      const [, word, name = "", type = ""] = line.split(" ");
      if (word !== "TYPE") continue;
      family = { comments, type, samples: new Map() };
      families.set(name, family);
      comments = [];
      continue;
    }
    const [, name = "", labels = "", value] = SAMPLE.exec(line) ?? [];
    if (value !== undefined) family?.samples.set(name + labels, numberOf(value));
  }
  return families;
}

function merge(into: Families, from: Families): void {
  for (const [name, { comments, type, samples }] of from) {
    if (name === TARGET_INFO) continue;
    const known = into.get(name);
    if (!known) {
      into.set(name, { comments, type, samples: new Map(samples) });
      continue;
    }
    const merging = MERGING.get(name) ?? "sum";
    for (const [series, value] of samples) {
      const before = known.samples.get(series);
      known.samples.set(series, before === undefined ? value : combine(merging, before, value));
    }
  }
}

function combine(merging: Merging, a: number, b: number): number {
  if (merging === "first") return a;
  return merging === "sum" ? a + b : Math[merging](a, b);
}

function print(families: Families): string {
  const lines: string[] = [];
  for (const { comments, samples } of families.values()) {
    lines.push(...comments);
    for (const [series, value] of samples) lines.push(`${series} ${textOf(value)}`);
  }
  return `${lines.join("\n")}\n`;
}

function numberOf(text: string): number {
  return Number(text.replace(/Inf$/, "Infinity"));
}

function textOf(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}
