/** Measures the images of this checkout and writes the table into docs/containers.md: `node test/images/figures.ts`. */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { docker, serviceImage } from "@shadowfleet/testkit";
import { inspectImage } from "./image-content.ts";
import { SERVICES, ServiceContainer, type ServiceName } from "./service-container.ts";

const STARTS = 5;
const SETTLE_MS = 5_000;
const TICKS_PER_SECOND = 100;
const DOCUMENT = join(import.meta.dirname, "../../docs/containers.md");
const TABLE = /(<!-- figures -->\n)[\s\S]*?(<!-- \/figures -->)/;

interface Start {
  readonly readyMs: number;
  readonly processMs: number;
  readonly cpuMs: number;
  readonly rssMb: number;
  /** Of it what is not files, such as Node itself, which containers of one machine share. */
  readonly ownMb: number;
}

/** Both clocks: what an operator waits for from `docker run` on, and what the process itself took. */
async function measureStart(name: ServiceName): Promise<Start> {
  await using container = await ServiceContainer.start(name);
  await container.untilReady();
  const readyMs = performance.now() - container.startedAt;
  const readyAt = Date.now();
  const processMs = readyAt - Date.parse((await container.state()).StartedAt);
  const stat = await container.evaluate('fs.readFileSync("/proc/1/stat", "utf8").split(") ")[1]');
  const fields = stat.split(" ").map(Number);
  const cpuMs = ((fields[11] ?? 0) + (fields[12] ?? 0)) * (1000 / TICKS_PER_SECOND);
  await sleep(SETTLE_MS);
  const status = await container.evaluate('fs.readFileSync("/proc/1/status", "utf8")');
  const memory = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1]) / 1000;
  return { readyMs, processMs, cpuMs, rssMb: memory("VmRSS"), ownMb: memory("RssAnon") };
}

function median(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor(sorted.length / 2)] ?? Number.NaN).toFixed(0);
}

const rows: string[] = [];
for (const name of SERVICES) {
  const image = await serviceImage(name);
  const size = (await inspectImage<number>(image, ".Size")) / 1_000_000;
  const starts: Start[] = [];
  for (let count = 0; count < STARTS; count++) starts.push(await measureStart(name));
  const column = (key: keyof Start): string => median(starts.map((start) => start[key]));
  rows.push(
    `| ${name} | ${size.toFixed(0)} | ${column("readyMs")} | ${column("processMs")} | ${column("cpuMs")} | ${column("rssMb")} | ${column("ownMb")} |`,
  );
}
rows.push(`| cli | ${((await inspectImage<number>(await serviceImage("cli"), ".Size")) / 1_000_000).toFixed(0)} | | | | | |`);

const engine = await docker(["version", "--format", "{{.Server.Version}}"]);
const machine = `${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, engine ${engine}; median of ${STARTS} starts.`;
const table = [
  "| image | MB | `docker run` to ready, ms | of it since the process began | CPU time until then, ms | idle RSS, MB | of it not shared |",
  "|---|---|---|---|---|---|---|",
  ...rows,
  "",
  machine,
  "",
].join("\n");
console.log(table);
const text = readFileSync(DOCUMENT, "utf8");
if (!TABLE.test(text)) throw new Error(`${DOCUMENT} has no place for the figures`);
writeFileSync(DOCUMENT, text.replace(TABLE, `$1${table}$2`));
