import { createServer, type Server } from "node:net";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import {
  type App,
  type AppDeps,
  type ConfigSource,
  commonConfigShape,
  listenPort,
  parseWith,
  runService,
  type ServiceDefinition,
  type ServiceFlags,
  workerCount,
  workersSchema,
} from "../src/index.ts";

const schema = z.strictObject({
  port: listenPort(),
  greeting: z.string().default("hello"),
  password: z.string(),
  crash: z.enum(["throw", "reject"]).optional(),
  workers: workersSchema,
  ...commonConfigShape,
});

export interface DemoConfig extends z.output<typeof schema> {
  readonly allowPrivateTargets: boolean;
}

/** A whole service in miniature: greets on a TCP port, and can be told to fail. Run as a program, it is what the exit code tests watch. */
class DemoApp implements App<DemoConfig> {
  #config: DemoConfig;
  readonly #deps: AppDeps;
  readonly #server: Server;

  constructor(config: DemoConfig, deps: AppDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#server = createServer((socket) => void socket.end(this.#config.greeting));
  }

  async start(): Promise<void> {
    const { worker } = this.#deps;
    const host = "127.0.0.1";
    const port = (await worker?.claimPort("tcp", host, this.#config.port)) ?? this.#config.port;
    await new Promise<void>((resolve) => this.#server.listen({ host, port, reusePort: worker !== undefined }, resolve));
    const address = this.#server.address() as { port: number };
    this.#deps.logger.info({ port: address.port }, "greeting");
    if (this.#config.crash === "throw") {
      setTimeout(() => {
        throw new Error("boom");
      }, 10);
    }
    if (this.#config.crash === "reject") void Promise.reject(new Error("boom"));
  }

  async reload(config: DemoConfig): Promise<void> {
    this.#config = config;
  }

  readiness() {
    return { ready: this.#server.listening, details: { greeting: this.#config.greeting } };
  }

  async drain(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export function demoService(adminDefaultPort: number): ServiceDefinition<DemoConfig> {
  return {
    name: "demo",
    version: "1.2.3",
    summary: "greets",
    load: ({ data, name }: ConfigSource, { allowPrivateTargets }: ServiceFlags) => ({
      ...parseWith(schema, data, name),
      allowPrivateTargets,
    }),
    createApp: (config, deps) => new DemoApp(config, deps),
    adminDefaultPort,
    extraFlags: ["allow-private-targets"],
    workers: ({ workers }) => workerCount(workers),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runService(demoService(0));
