import { existsSync } from "node:fs";
import { ConfigError } from "@shadowfleet/runtime";
import { type AeadBackend, nodeBackend } from "@shadowfleet/wire";
import { ADDON_PATH, loadAddon } from "./addon.ts";
import { createNativeBackend } from "./native-aead.ts";
import type { NativeSockets } from "./native-sockets.ts";
import { selfTest } from "./self-test.ts";

/** The environment variable that decides instead of what is there. */
const VARIABLE = "SHADOWFLEET_AEAD";
const CHOICES: readonly string[] = ["auto", "native", "node"];

export interface BackendChoice {
  readonly backend: AeadBackend;
  /** Comes with the native backend. */
  readonly sockets: NativeSockets | undefined;
  /** Why it is not the native one; undefined when it is. */
  readonly reason: string | undefined;
  /** An addon is there and does not work: worth a warning. */
  readonly isFault: boolean;
}

/**
 * The native backend where its addon is there and passes its self-test, else `node:crypto` with the reason. SHADOWFLEET_AEAD=node never uses
 * it, SHADOWFLEET_AEAD=native throws ConfigError rather than do without; so does another value.
 */
export function chooseAeadBackend(environment: NodeJS.ProcessEnv = process.env, addonPath = ADDON_PATH): BackendChoice {
  const wanted = environment[VARIABLE] || "auto";
  if (!CHOICES.includes(wanted)) throw refusal(`must be auto, native or node, not "${wanted}"`);
  if (wanted === "node") return { backend: nodeBackend, sockets: undefined, reason: `${VARIABLE} says so`, isFault: false };
  const choice = nativeOrNode(addonPath);
  if (wanted === "native" && choice.reason !== undefined) throw refusal(`is native, but ${choice.reason}`);
  return choice;
}

function nativeOrNode(addonPath: string): BackendChoice {
  if (!existsSync(addonPath))
    return { backend: nodeBackend, sockets: undefined, reason: "the native accelerator is not built", isFault: false };
  try {
    const addon = loadAddon(addonPath);
    const backend = createNativeBackend(addon);
    selfTest(backend);
    return { backend, sockets: addon, reason: undefined, isFault: false };
  } catch (error) {
    return {
      backend: nodeBackend,
      sockets: undefined,
      reason: `the native accelerator is of no use: ${(error as Error).message}`,
      isFault: true,
    };
  }
}

function refusal(reason: string): ConfigError {
  return new ConfigError("environment", [{ path: VARIABLE, reason }]);
}
