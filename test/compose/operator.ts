import assert from "node:assert/strict";
import { join } from "node:path";
import { type ByteCounts, connectFleet } from "@shadowfleet/control-api";
import { runProgram } from "@shadowfleet/testkit";
import { type ComposeProject, ROOT } from "./compose-project.ts";

const CLI = join(ROOT, "services/cli/src/main.ts");
const CLI_DEADLINE_MS = 60_000;

/** Payload bytes of an access key. */
export type Counts = Readonly<Record<"tcpUpBytes" | "tcpDownBytes" | "udpUpBytes" | "udpDownBytes", number>>;

/** Somebody on this machine who manages the fleet from outside of all containers. */
export class Operator {
  readonly #server: { readonly host: string; readonly port: number };
  readonly #caFile: string;
  readonly #tokenFile: string;

  private constructor({ managementPort, folder }: ComposeProject) {
    this.#server = { host: "127.0.0.1", port: managementPort };
    this.#caFile = join(folder, "ca.crt");
    this.#tokenFile = join(folder, "admin.token");
  }

  /** Takes out of the containers what it needs. */
  static async of(project: ComposeProject): Promise<Operator> {
    const operator = new Operator(project);
    for (const [name, file] of [
      ["ca.crt", operator.#caFile],
      ["admin.token", operator.#tokenFile],
    ] as const) {
      await project.compose("cp", `management-1:/run/secrets/shadowfleet/${name}`, file);
    }
    return operator;
  }

  /** Runs the shadowfleet command of this checkout; its document. */
  async cli<Answer>(...args: readonly string[]): Promise<Answer> {
    const { host, port } = this.#server;
    const connection = ["--server", `${host}:${port}`, "--ca", this.#caFile, "--token-file", this.#tokenFile];
    const line = [CLI, ...args, "--output", "json", ...connection];
    const { code, stdout, stderr } = await runProgram(process.execPath, line, { deadlineMs: CLI_DEADLINE_MS });
    assert.equal(code, 0, `shadowfleet ${args.join(" ")}: ${stderr}${stdout}`);
    return JSON.parse(stdout.toString()) as Answer;
  }

  /** What `shadowfleet traffic KEY` says, without starting it. */
  async traffic(key: string): Promise<Counts> {
    const tls = { caFile: this.#caFile, certFile: undefined, keyFile: undefined, serverName: undefined };
    const channel = connectFleet({ addresses: [this.#server], tls, tokenFile: this.#tokenFile });
    try {
      const { traffic } = channel.clients;
      const request = { subject: { subject: { $case: "accessKeyId", value: key } } } as const;
      const total = await new Promise<ByteCounts | undefined>((resolve, reject) => {
        traffic.getTraffic(request, (error, response) => (error ? reject(error) : resolve(response.traffic?.total)));
      });
      assert.ok(total);
      const { tcpUpBytes, tcpDownBytes, udpUpBytes, udpDownBytes } = total;
      return {
        tcpUpBytes: Number(tcpUpBytes),
        tcpDownBytes: Number(tcpDownBytes),
        udpUpBytes: Number(udpUpBytes),
        udpDownBytes: Number(udpDownBytes),
      };
    } finally {
      channel.close();
    }
  }
}
