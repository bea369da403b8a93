import { RpcError } from "@shadowfleet/control-api";
import type { FleetDirectory } from "../directory/fleet-directory.ts";

interface Changeable {
  readonly version: number;
  readonly origin: "runtime" | "declared";
}

/** The entry when it may be changed; throws NOT_FOUND, DECLARED_READ_ONLY, or VERSION_CONFLICT when `version` is another one. 0: whichever. */
export function changeable<E extends Changeable>(entry: E | undefined, name: string, version = 0): E {
  if (!entry) throw new RpcError("NOT_FOUND", `there is no ${name}`);
  if (entry.origin === "declared")
    throw new RpcError("DECLARED_READ_ONLY", `${name} is declared in management's configuration file, change it there`);
  if (version !== 0 && entry.version !== version) {
    throw new RpcError("VERSION_CONFLICT", `${name} has changed: its resource version is ${entry.version}, not ${version}; read it again`);
  }
  return entry;
}

/** A version the caller read from another replica may be news here: waits a moment for it. */
export async function awaitVersion(directory: FleetDirectory, version: number): Promise<void> {
  if (version > directory.place.revision) await directory.reached(version);
}
