import type { HostPort } from "../quantities.ts";

/** The two ends that a plugin is told (SIP003): in a client `local` is where it listens, in a server `remote`. */
export interface PluginEnds {
  readonly remote: HostPort;
  readonly local: HostPort;
}

/** What of our own environment a plugin gets: nothing that may hold a secret of the service. */
const PASSED_ON = ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"];
const ANY_ADDRESS = "::";
/** How shadowsocks-libev names several addresses: plugins that would bind "::" for IPv6 alone take both. */
const BOTH_FAMILIES = "::|0.0.0.0";

/** The whole environment of a plugin's process. */
export function pluginEnvironment({ remote, local }: PluginEnds, options: string): Record<string, string> {
  const own = PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]));
  return {
    ...Object.fromEntries(own),
    SS_REMOTE_HOST: remote.host === ANY_ADDRESS ? BOTH_FAMILIES : remote.host,
    SS_REMOTE_PORT: String(remote.port),
    SS_LOCAL_HOST: local.host,
    SS_LOCAL_PORT: String(local.port),
    ...(options === "" ? {} : { SS_PLUGIN_OPTIONS: options }),
  };
}
