import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker, freePort, type ImageName, runProgram, serviceImage } from "@shadowfleet/testkit";

export const ROOT = join(import.meta.dirname, "../..");
export const COMPOSE_FOLDER = join(ROOT, "deploy/compose");
const IMAGES: readonly ImageName[] = ["cli", "gateway", "management", "tcp-relay", "udp-relay"];
const DEADLINE_MS = 180_000;

export interface ComposeResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

/** What the engine says of a container, as far as tests look at it. */
export interface ContainerState {
  readonly Name: string;
  readonly RestartCount: number;
  readonly State: { readonly Status: string; readonly ExitCode: number; readonly OOMKilled: boolean };
  readonly Config: { readonly User: string; readonly Image: string };
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean;
    readonly CapDrop: readonly string[] | null;
    readonly SecurityOpt: readonly string[] | null;
    readonly Memory: number;
    readonly NanoCpus: number;
    readonly PidsLimit: number | null;
    readonly LogConfig: { readonly Config: Readonly<Record<string, string>> };
  };
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string; readonly Gateway: string }>> };
}

let projects = 0;
// What the test runner sends to a file that takes too long; its projects are removed on the way out.
process.once("SIGTERM", () => process.exit(1));

/** deploy/compose under a name and on ports of its own, so that it stands beside anything else on this machine. `await using` removes all of it. */
export class ComposeProject implements AsyncDisposable {
  readonly name: string;
  readonly gatewayPort: number;
  readonly relayPort: number;
  readonly managementPort: number;
  readonly httpPort: number;
  readonly prometheusPort: number;
  /** For files of the test's own. */
  readonly folder = mkdtempSync(join(tmpdir(), "shadowfleet-compose-"));
  #files: readonly string[] = [];
  readonly #removeAtExit = (): void => {
    spawnSync("docker", this.#line(["down", "--volumes", "--timeout", "0"], []), { env: { ...process.env, ...this.#environment } });
  };

  private constructor(files: readonly string[], ports: readonly number[]) {
    this.name = `shadowfleet-test-${process.pid}-${++projects}`;
    this.useFiles(...files);
    [this.gatewayPort = 0, this.relayPort = 0, this.managementPort = 0, this.httpPort = 0, this.prometheusPort = 0] = ports;
    process.once("exit", this.#removeAtExit);
  }

  /** `files` are names in deploy/compose. Builds the images where they are not there yet. */
  static async create(...files: readonly string[]): Promise<ComposeProject> {
    // One after the other: they share most of their layers.
    for (const image of IMAGES) await serviceImage(image);
    return new ComposeProject(files, [await freePort(), await freePort(), await freePort(), await freePort(), await freePort()]);
  }

  /** Runs `docker compose` for this project, with more files than its own if there are any. */
  async run(words: readonly string[], extraFiles: readonly string[] = []): Promise<ComposeResult> {
    const startedMs = performance.now();
    const options = { env: this.#environment, deadlineMs: DEADLINE_MS };
    const { code, stdout, stderr } = await runProgram("docker", this.#line(words, extraFiles), options);
    return { code, stdout: stdout.toString(), stderr: stderr.toString(), tookMs: performance.now() - startedMs };
  }

  /** The same, and it must succeed. */
  async compose(...words: readonly string[]): Promise<ComposeResult> {
    const result = await this.run(words);
    assert.equal(result.code, 0, `docker compose ${words.join(" ")}:\n${result.stderr}${result.stdout}`);
    return result;
  }

  /** From now on the project is made of these. */
  useFiles(...files: readonly string[]): void {
    this.#files = files.map((file) => join(COMPOSE_FOLDER, file));
  }

  /** From now on the project is made of one file more. */
  addFile(content: object): void {
    const file = join(this.folder, `compose.${this.#files.length}.json`);
    writeFileSync(file, JSON.stringify(content));
    this.#files = [...this.#files, file];
  }

  /** Writes a compose file that puts another configuration in the place of a service's; its path. */
  withConfig(service: string, text: string): string {
    const config = join(this.folder, `${service}.yaml`);
    const file = join(this.folder, `compose.${service}.yaml`);
    writeFileSync(config, text);
    writeFileSync(file, JSON.stringify({ configs: { [service]: { file: config } } }));
    return file;
  }

  /** Every container of the project, also those that have ended, by service. */
  async containers(): Promise<ReadonlyMap<string, ContainerState>> {
    const filter = `label=com.docker.compose.project=${this.name}`;
    const ids = (await docker(["ps", "--all", "--quiet", "--filter", filter])).split("\n").filter((id) => id !== "");
    if (ids.length === 0) return new Map();
    const states = JSON.parse(await docker(["inspect", ...ids])) as (ContainerState & {
      readonly Config: { readonly Labels: Readonly<Record<string, string>> };
    })[];
    return new Map(states.map((state) => [state.Config.Labels["com.docker.compose.service"] ?? state.Name, state]));
  }

  async container(service: string): Promise<ContainerState> {
    const state = (await this.containers()).get(service);
    assert.ok(state, `there is no container of ${service}`);
    return state;
  }

  /** The address of a service's container in one of the project's networks, and that network's address on this machine. */
  async address(service: string, network: string): Promise<{ readonly container: string; readonly host: string }> {
    const { IPAddress, Gateway } = (await this.container(service)).NetworkSettings.Networks[`${this.name}_${network}`] ?? {};
    assert.ok(IPAddress, `${service} is not in ${network}`);
    return { container: IPAddress, host: Gateway ?? "" };
  }

  /** What a JavaScript program prints in a service's container, which has no shell but Node. */
  async evaluate(service: string, program: string): Promise<string> {
    const { Name } = await this.container(service);
    return await docker(["exec", Name.slice(1), "/usr/local/bin/node", "--eval", program]);
  }

  /** What a service's container wrote, to both streams. */
  async logs(service: string): Promise<string> {
    const { stdout, stderr } = await runProgram("docker", ["logs", (await this.container(service)).Name.slice(1)]);
    return `${stdout}${stderr}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run(["--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5"]);
    process.off("exit", this.#removeAtExit);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #line(words: readonly string[], extraFiles: readonly string[]): string[] {
    const files = [...this.#files, ...extraFiles];
    return [
      "compose",
      "--ansi",
      "never",
      "--progress",
      "plain",
      "--project-name",
      this.name,
      ...files.flatMap((file) => ["--file", file]),
      ...words,
    ];
  }

  get #environment(): Record<string, string> {
    return {
      SHADOWFLEET_GATEWAY_PORT: String(this.gatewayPort),
      SHADOWFLEET_RELAY_PORT: String(this.relayPort),
      SHADOWFLEET_RELAY_ADDRESS: "127.0.0.1",
      SHADOWFLEET_MANAGEMENT_PORT: String(this.managementPort),
      SHADOWFLEET_HTTP_PORT: String(this.httpPort),
      SHADOWFLEET_PROMETHEUS_PORT: String(this.prometheusPort),
    };
  }
}
