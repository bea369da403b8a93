import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "@shadowfleet/testkit";

const CLI = join(import.meta.dirname, "../../services/cli/src/main.ts");
const MANAGEMENT_NAMES = ["management-1", "management-2", "localhost", "127.0.0.1"];

/** Files that containers of a fleet mount: its secrets, made by `shadowfleet bootstrap`, and each container's configuration. Goes away with its scope. */
export class FleetFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "shadowfleet-containers-"));
  readonly secrets = join(this.path, "secrets");

  static async create(): Promise<FleetFolder> {
    const folder = new FleetFolder();
    chmodSync(folder.path, 0o755);
    const hosts = MANAGEMENT_NAMES.flatMap((name) => ["--host", name]);
    const { code, stdout, stderr } = await runProgram(process.execPath, [CLI, "bootstrap", folder.secrets, ...hosts]);
    if (code !== 0) throw new Error(`shadowfleet bootstrap: ${stderr}${stdout}`);
    // Made for one user on this machine; the containers' user is another one.
    chmodSync(folder.secrets, 0o755);
    for (const name of readdirSync(folder.secrets)) chmodSync(join(folder.secrets, name), 0o644);
    return folder;
  }

  secret(name: string): string {
    return readFileSync(this.secretFile(name), "utf8").trim();
  }

  secretFile(name: string): string {
    return join(this.secrets, name);
  }

  /** Writes a container's configuration file and gives its path. JSON is YAML too. */
  config(name: string, config: object): string {
    const folder = join(this.path, "config");
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `${name}.yaml`);
    writeFileSync(path, JSON.stringify(config), { mode: 0o644 });
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
