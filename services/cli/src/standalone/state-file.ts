import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Logger } from "@shadowfleet/runtime";
import { type FleetStore, openStore, SqliteStore, type StoreConfig } from "@shadowfleet/store";

/** Where the standalone mode keeps access keys and counters unless told otherwise (XDG Base Directory: state). */
export function defaultStateFile(environment: NodeJS.ProcessEnv): string {
  const base = environment.XDG_STATE_HOME || join(homedir(), ".local", "state");
  return join(base, "shadowfleet", "standalone.sqlite");
}

/**
 * The configured store, or the default file. Where that cannot be had (another standalone runs, no home to write to) the fleet still starts,
 * with a store that ends with the process, and says so; a configured one that cannot be had is an error.
 */
export function openStandaloneStore(config: StoreConfig | undefined, logger: Logger): FleetStore {
  if (config) return openStore(config, { logger });
  const path = defaultStateFile(process.env);
  try {
    mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 });
    return new SqliteStore({ path });
  } catch (error) {
    logger.warn(
      { path, reason: (error as Error).message },
      "keys and counters are kept in memory only, since the state file cannot be had",
    );
    return new SqliteStore({ path: ":memory:" });
  }
}

/** A file beside the default one with what links to key documents are derived from, made at the first start; undefined where it cannot be had. */
export function provideLinkSecret(): string | undefined {
  const path = join(defaultStateFile(process.env), "..", "link-secret");
  try {
    writeFileSync(path, randomBytes(32).toString("base64url"), { mode: 0o600, flag: "wx" });
    return path;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EEXIST" ? path : undefined;
  }
}
