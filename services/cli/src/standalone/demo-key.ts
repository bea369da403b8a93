import { AccessKey, Port } from "@shadowfleet/control-api";
import type { Logger } from "@shadowfleet/runtime";
import type { FleetStore } from "@shadowfleet/store";
import { formatAccessUri, parseAccessUri } from "@shadowfleet/wire";
import { FleetConnection } from "../connection/fleet-connection.ts";
import { choosePort } from "./port-choice.ts";

/** Id of the access key that the standalone mode makes for itself. */
export const DEMO_ID = "demo";
const DEFAULT_RELAY_PORT = 8388;
const CALL_TIMEOUT_MS = 10_000;

export interface DemoOptions {
  readonly relay: {
    readonly host: string;
    readonly port?: number | undefined;
    readonly method: string;
    readonly secret?: string | undefined;
  };
  readonly managementPort: number;
  readonly store: FleetStore;
  readonly logger: Logger;
}

/** Where a relay bound to `host` is reached from here: one on every address, at loopback. */
export const reachableHost = (host: string): string => (host === "::" || host === "0.0.0.0" ? "127.0.0.1" : host);

/** Makes the demo access key and its port through management's API, or takes those of an earlier run. Returns the key's ss:// URI. */
export async function provideDemoKey(options: DemoOptions): Promise<string> {
  const { relay, managementPort } = options;
  const target = { addresses: [{ host: "127.0.0.1", port: managementPort }], tls: undefined, tokenFile: undefined };
  const fleet = new FleetConnection({ target, timeoutMs: CALL_TIMEOUT_MS });
  try {
    if (!(await hasUsableDemoKey(options, fleet))) await createDemoKey(relay, fleet);
    const { accessUri } = await fleet.call("accessKeys", "getAccessUri", { id: DEMO_ID, host: reachableHost(relay.host) });
    const parsed = parseAccessUri(accessUri);
    return parsed.ok ? formatAccessUri({ ...parsed.uri, tag: DEMO_ID }) : accessUri;
  } finally {
    fleet.close();
  }
}

/** False also when its port was given up: somebody else took it since the last run, and nobody but the demo key is on it. */
async function hasUsableDemoKey({ relay, store, logger }: DemoOptions, fleet: FleetConnection): Promise<boolean> {
  const { keys } = await store.readState();
  const port = keys.get(DEMO_ID)?.record.port;
  if (port === undefined) return false;
  if ((await choosePort(relay.host, port)) === port) return true;
  const neighbours = [...keys.values()].filter(({ record }) => record.port === port && record.id !== DEMO_ID);
  if (neighbours.length > 0) {
    logger.warn(
      { port, keys: neighbours.length },
      "another process has taken the port of earlier runs: its access keys wait until it is free",
    );
    return true;
  }
  await fleet.call("ports", "deletePort", { port, force: true });
  return false;
}

async function createDemoKey({ host, port, method, secret }: DemoOptions["relay"], fleet: FleetConnection): Promise<void> {
  const chosen = port ?? (await choosePort(host, DEFAULT_RELAY_PORT));
  await fleet.call("ports", "createPort", { port: Port.fromPartial({ port: chosen, host, method }), requestId: "" });
  const accessKey = AccessKey.fromPartial({ id: DEMO_ID, displayName: "Demo", port: chosen, secret: secret ?? "" });
  await fleet.call("accessKeys", "createAccessKey", { accessKey, requestId: "" });
}
