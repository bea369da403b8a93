import type { App, AppDeps } from "./app.ts";
import type { CommonConfig } from "./common-config.ts";
import type { ConfigSource } from "./config-source.ts";
import type { ExtraFlag, ServiceFlags } from "./service-flags.ts";
import type { LinkHandlers } from "./workers/process-link.ts";

/** A service as its `main.ts` hands it over. `Config` is what `load` made: validated, credentials derived, durations in milliseconds. */
export interface ServiceDefinition<Config extends CommonConfig> {
  readonly name: string;
  readonly version: string;
  /** One line for `--help`. */
  readonly summary: string;
  /** Validates; throws ConfigError with every problem. Called again by every reload. Without `--config` the data is an empty object. */
  readonly load: (source: ConfigSource, flags: ServiceFlags) => Config | Promise<Config>;
  readonly createApp: (config: Config, deps: AppDeps) => App<Config>;
  /** tcp-relay 9101, udp-relay 9102, gateway 9103, management 9104. */
  readonly adminDefaultPort: number;
  readonly extraFlags?: readonly ExtraFlag[];
  /** How many worker processes a configuration asks for. Absent: the service is always one process. */
  readonly workers?: (config: Config) => number;
  /** What the first process of a group answers its workers when they `ask`, by name. */
  readonly groupAnswers?: () => LinkHandlers;
}
