import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker, eventually, freePort, type ImageName, runProgram, serviceImage } from "@shadowfleet/testkit";

export type ServiceName = Exclude<ImageName, "cli">;

const ADMIN_PORTS: Readonly<Record<ServiceName, number>> = { management: 9104, gateway: 9103, "udp-relay": 9102, "tcp-relay": 9101 };

const PORTS = [{ port: 8388, method: "2022-blake3-aes-128-gcm", password: Buffer.alloc(16, "a").toString("base64") }];

/** The least that makes each service ready by itself. */
export const CONFIGS: Readonly<Record<ServiceName, object>> = {
  management: {},
  gateway: { listen: { host: "0.0.0.0" }, upstreams: [{ host: "127.0.0.1", port: 8388, method: "aes-256-gcm", secret: "a" }] },
  "tcp-relay": { ports: PORTS },
  "udp-relay": { ports: PORTS },
};

export const SERVICES = Object.keys(CONFIGS) as ServiceName[];

/** Tells what a killed run left behind from other people's. */
const LABEL = "--label=io.shadowfleet.test=images";

/** What the chart and compose run the images with. */
export const HARDENED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"];

export interface ContainerState {
  readonly Running: boolean;
  readonly ExitCode: number;
  readonly StartedAt: string;
  readonly Health?: { readonly Status: string; readonly Log: { readonly ExitCode: number; readonly Output: string }[] };
}

export interface StartOptions {
  /** Of `docker run`. Default: hardened. */
  readonly runFlags?: readonly string[];
}

/** A service started from its image with a configuration of the test's. `await using` removes it. */
export class ServiceContainer implements AsyncDisposable {
  readonly id: string;
  /** When `docker run` was called, by `performance.now()`. */
  readonly startedAt: number;
  readonly #folder: string;
  readonly #adminPort: number;

  private constructor(id: string, startedAt: number, folder: string, adminPort: number) {
    this.id = id;
    this.startedAt = startedAt;
    this.#folder = folder;
    this.#adminPort = adminPort;
  }

  static async start(
    name: ServiceName,
    config: object = CONFIGS[name],
    { runFlags = HARDENED }: StartOptions = {},
  ): Promise<ServiceContainer> {
    const image = await serviceImage(name);
    const port = ADMIN_PORTS[name];
    const folder = await configFolder({ ...config, admin: { host: "0.0.0.0", port } });
    const mount = `type=bind,source=${folder},target=/etc/shadowfleet,readonly`;
    const adminPort = await freePort();
    const startedAt = performance.now();
    const id = await docker(["run", "--detach", `--publish=127.0.0.1:${adminPort}:${port}`, "--mount", mount, LABEL, ...runFlags, image]);
    return new ServiceContainer(id, startedAt, folder, adminPort);
  }

  /** What `/readyz` answers; undefined while nobody does. */
  async readiness(): Promise<{ readonly status: number; readonly body: string } | undefined> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.#adminPort}/readyz`);
      return { status: response.status, body: await response.text() };
    } catch {
      return undefined;
    }
  }

  async untilReady(deadlineMs = 60_000): Promise<void> {
    try {
      await eventually(`readiness of ${this.id}`, async () => (await this.readiness())?.status === 200, deadlineMs);
    } catch (error) {
      throw new Error(`${(error as Error).message}; it wrote:\n${await this.logs()}`);
    }
  }

  async state(): Promise<ContainerState> {
    return JSON.parse(await docker(["inspect", "--format", "{{json .State}}", this.id])) as ContainerState;
  }

  async logs(): Promise<string> {
    const { stdout, stderr } = await runProgram("docker", ["logs", this.id]);
    return `${stdout}${stderr}`;
  }

  /** What a JavaScript expression is inside the container, as text: the images have no other program than Node. */
  evaluate(expression: string): Promise<string> {
    return docker(["exec", this.id, "node", "-p", expression]);
  }

  /** SIGTERM as `docker stop` sends it; how it ended and how long that took. */
  async stop(): Promise<{ readonly exitCode: number; readonly ms: number }> {
    const before = performance.now();
    await docker(["stop", this.id]);
    const ms = performance.now() - before;
    return { exitCode: (await this.state()).ExitCode, ms };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await docker(["rm", "--force", "--volumes", this.id]);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A folder with `config.yaml` that the image's user can read. */
export async function configFolder(config: object | string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "shadowfleet-image-"));
  await runProgram("chmod", ["755", folder]);
  await writeFile(join(folder, "config.yaml"), typeof config === "string" ? config : JSON.stringify(config), { mode: 0o644 });
  return folder;
}
