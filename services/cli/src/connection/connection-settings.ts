import type { ManagementTarget } from "@shadowfleet/control-api";
import type { HostPort } from "@shadowfleet/runtime";
import { UsageError } from "../arguments/usage-error.ts";
import { type ConnectionFlags, readAddress } from "./connection-flags.ts";
import { type PartialSettings, readSettingsFile } from "./settings-file.ts";

const DEFAULT_SERVER: HostPort = { host: "127.0.0.1", port: 9190 };
const DEFAULT_TIMEOUT_MS = 10_000;
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/;

/** How management is reached. */
export interface ConnectionSettings {
  readonly target: ManagementTarget;
  readonly timeoutMs: number;
}

/** What settings are made from beside the flags. */
export interface SettingsEnvironment {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
}

/** Flags first, then the environment, then the settings file, then defaults; each setting on its own. */
export async function connectionSettings(flags: ConnectionFlags, outside: SettingsEnvironment): Promise<ConnectionSettings> {
  const { environment, homeFolder } = outside;
  const variable = (name: string): string | undefined => environment[name] || undefined;
  const fromFlags: PartialSettings = {
    ...flags,
    servers: flags.server.length > 0 ? flags.server : undefined,
    insecure: flags.insecure || undefined,
  };
  const fromFile = await readSettingsFile({
    path: flags.config ?? variable("SHADOWFLEET_CONFIG"),
    context: flags.context ?? variable("SHADOWFLEET_CONTEXT"),
    homeFolder,
    configFolder: variable("XDG_CONFIG_HOME"),
  });
  const target = targetOf([fromFlags, settingsOfEnvironment(variable), fromFile]);
  return { target, timeoutMs: flags.timeout ?? DEFAULT_TIMEOUT_MS };
}

function settingsOfEnvironment(variable: (name: string) => string | undefined): PartialSettings {
  return {
    servers: variable("SHADOWFLEET_SERVER")
      ?.split(",")
      .map((text) => named("SHADOWFLEET_SERVER", () => readAddress(text.trim(), { nowMs: 0 }))),
    tokenFile: variable("SHADOWFLEET_TOKEN_FILE"),
    ca: variable("SHADOWFLEET_CA"),
    cert: variable("SHADOWFLEET_CERT"),
    certKey: variable("SHADOWFLEET_CERT_KEY"),
    serverName: variable("SHADOWFLEET_SERVER_NAME"),
    insecure: switchOf(variable("SHADOWFLEET_INSECURE")),
  };
}

function switchOf(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (text === "1" || text === "true") return true;
  if (text === "0" || text === "false") return false;
  throw new UsageError("SHADOWFLEET_INSECURE: expected 1 or 0");
}

function targetOf(places: readonly PartialSettings[]): ManagementTarget {
  const first = <Name extends keyof PartialSettings>(name: Name): PartialSettings[Name] =>
    places.map((place) => place[name]).find((value) => value !== undefined) as PartialSettings[Name];
  const addresses = first("servers") ?? [DEFAULT_SERVER];
  const files = { caFile: first("ca"), certFile: first("cert"), keyFile: first("certKey"), serverName: first("serverName") };
  const insecure = first("insecure");
  const remote = addresses.find(({ host }) => !LOOPBACK.test(host));
  if (insecure && remote) throw new UsageError(`--insecure is for loopback addresses only, which ${remote.host} is not`);
  if ((files.certFile === undefined) !== (files.keyFile === undefined)) throw new UsageError("--cert and --cert-key need each other");
  const wantsTls = Object.values(files).some((file) => file !== undefined);
  if (insecure && wantsTls) throw new UsageError("--insecure means no TLS: leave out --ca, --cert, --cert-key and --server-name");
  const isPlain = insecure ?? (remote === undefined && !wantsTls);
  return { addresses, tls: isPlain ? undefined : files, tokenFile: first("tokenFile") };
}

function named<Value>(name: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw new UsageError(`${name}: ${(error as Error).message}`);
  }
}
