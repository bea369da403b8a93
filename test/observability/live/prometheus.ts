import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, freePort, type RunningProgram, startProgram } from "@shadowfleet/testkit";

const HOST = "127.0.0.1";
const START_DEADLINE_MS = 15_000;

export interface ScrapeTarget {
  readonly job: string;
  readonly instance: string;
  /** Of the admin server, on loopback. */
  readonly port: number;
}

export interface PrometheusOptions {
  readonly targets: readonly ScrapeTarget[];
  readonly ruleFiles: readonly string[];
  readonly namespace: string;
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Answer<T> {
  readonly status: string;
  readonly error?: string;
  readonly data: T;
}

interface RuleStatus {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
}

/** A Prometheus of the test's own that scrapes and evaluates its rules every second. */
export class PrometheusServer implements AsyncDisposable {
  readonly #base: string;
  readonly #program: RunningProgram;
  readonly #folder: string;

  private constructor(base: string, program: RunningProgram, folder: string) {
    this.#base = base;
    this.#program = program;
    this.#folder = folder;
  }

  static async start({ targets, ruleFiles, namespace }: PrometheusOptions): Promise<PrometheusServer> {
    const folder = mkdtempSync(join(tmpdir(), "shadowfleet-prometheus-"));
    const jobs = [...new Set(targets.map(({ job }) => job))];
    const config = {
      global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
      rule_files: ruleFiles,
      scrape_configs: jobs.map((job) => ({
        job_name: job,
        static_configs: targets
          .filter((target) => target.job === job)
          .map(({ instance, port }) => ({ targets: [`${HOST}:${port}`], labels: { instance, namespace } })),
      })),
    };
    // JSON is YAML.
    writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(config));
    const port = await freePort();
    const program = startProgram("prometheus", [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=${HOST}:${port}`,
      "--log.level=warn",
    ]);
    const server = new PrometheusServer(`http://${HOST}:${port}`, program, folder);
    try {
      await eventually("Prometheus to be ready", () => server.#isReady(), START_DEADLINE_MS);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw new Error(`${(error as Error).message}; it wrote:\n${program.output}`);
    }
    return server;
  }

  /** Rejects with Prometheus's own words when the query is refused. */
  async query(expr: string): Promise<readonly Sample[]> {
    interface Result {
      readonly resultType: string;
      readonly result: readonly { readonly metric: Record<string, string>; readonly value: readonly [number, string] }[];
    }
    const { resultType, result } = await this.#ask<Result>("query", { query: expr });
    if (resultType !== "vector") throw new Error(`a ${resultType}, not a vector`);
    return result.map(({ metric, value }) => ({ metric, value: Number(value[1].replace("Inf", "Infinity")) }));
  }

  /** As Grafana asks for `label_values(selector, label)`. */
  labelValues(selector: string, label: string): Promise<readonly string[]> {
    return this.#ask<readonly string[]>(`label/${label}/values`, { "match[]": selector }, "GET");
  }

  /** Every loaded rule, and how its evaluation went. */
  async rules(): Promise<readonly RuleStatus[]> {
    const { groups } = await this.#ask<{ readonly groups: readonly { readonly rules: readonly RuleStatus[] }[] }>("rules", {}, "GET");
    return groups.flatMap(({ rules }) => rules);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #ask<T>(path: string, parameters: Readonly<Record<string, string>>, method: "GET" | "POST" = "POST"): Promise<T> {
    const form = new URLSearchParams(parameters);
    const url = `${this.#base}/api/v1/${path}`;
    const response = await (method === "GET" ? fetch(`${url}?${form}`) : fetch(url, { method, body: form }));
    const answer = (await response.json()) as Answer<T>;
    if (answer.status !== "success") throw new Error(answer.error);
    return answer.data;
  }

  async #isReady(): Promise<boolean> {
    if (!this.#program.isRunning) throw new Error("Prometheus ended");
    try {
      return (await fetch(`${this.#base}/-/ready`)).ok;
    } catch {
      return false;
    }
  }
}
