import type { Logger } from "@shadowfleet/runtime";
import type { RelayConfig } from "./relay-config.ts";

/** Logs what an operator should know about a configuration that is taking effect: at start and at every reload. */
export function logConfigWarnings(logger: Logger, config: RelayConfig): void {
  for (const warning of config.warnings ?? []) logger.warn(warning);
  if (config.allowPrivateTargets) {
    logger.warn("private targets are allowed: whoever holds a key reaches this machine and its networks");
  }
}

/** Tells when a reloaded file has another `fleet` than the one in force: a process joins its fleet once. */
export function logFleetChange(logger: Logger, inForce: RelayConfig, next: RelayConfig): void {
  if (JSON.stringify(inForce.fleet) === JSON.stringify(next.fleet)) return;
  logger.warn("changes of fleet, and from ports to fleet or back, take effect at the next start");
}
