import type { Logger } from "@shadowfleet/runtime";
import type { RelayConfig } from "./relay-config.ts";

/** Logs what an operator should know about a configuration that is taking effect: at start and at every reload. */
export function logConfigWarnings(logger: Logger, config: RelayConfig): void {
  for (const warning of config.warnings ?? []) logger.warn(warning);
  if (config.allowPrivateTargets) {
    logger.warn("private targets are allowed: whoever holds a key reaches this machine and its networks");
  }
}
