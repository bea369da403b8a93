import { dirname, join, resolve } from "node:path";
import { type ConfigError, type HostPort, hostPort, parseWith, readConfigFile } from "@shadowfleet/runtime";
import { z } from "zod";
import { UsageError } from "../arguments/usage-error.ts";

/** What one place (flags, environment, file) says about the connection; undefined: nothing. */
export interface PartialSettings {
  readonly servers: readonly HostPort[] | undefined;
  readonly tokenFile: string | undefined;
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly certKey: string | undefined;
  readonly serverName: string | undefined;
  readonly insecure: boolean | undefined;
}

const NO_SETTINGS: PartialSettings = {
  servers: undefined,
  tokenFile: undefined,
  ca: undefined,
  cert: undefined,
  certKey: undefined,
  serverName: undefined,
  insecure: undefined,
};

const path = z.string().min(1).optional();

const contextShape = {
  /** host:port, or a list of them. */
  server: z.union([hostPort(), z.array(hostPort()).min(1)]).optional(),
  /** Paths are relative to the file; "~/" is the home folder. */
  tokenFile: path,
  ca: path,
  cert: path,
  certKey: path,
  serverName: z.string().min(1).optional(),
  insecure: z.boolean().optional(),
};

const fileSchema = z.strictObject({
  ...contextShape,
  /** The context to use when nobody names one; without it the settings beside it. */
  context: z.string().min(1).optional(),
  contexts: z.record(z.string().min(1), z.strictObject(contextShape)).default({}),
});

type Context = z.output<z.ZodObject<typeof contextShape>>;

/** Where the settings are and which of them are wanted. */
export interface SettingsFileOptions {
  /** Undefined: the usual place, where a missing file is no error. */
  readonly path: string | undefined;
  /** Undefined: what the file says. */
  readonly context: string | undefined;
  readonly homeFolder: string;
  /** $XDG_CONFIG_HOME; undefined: ~/.config. */
  readonly configFolder: string | undefined;
}

/** Rejects with ConfigError for a file that cannot be read or meant, with UsageError for a context that it does not have. */
export async function readSettingsFile(options: SettingsFileOptions): Promise<PartialSettings> {
  const { homeFolder, configFolder = join(homeFolder, ".config") } = options;
  const file = options.path ?? join(configFolder, "shadowfleet/config.yaml");
  const data = await readData(file, options.path === undefined);
  const { context: ownContext, contexts, ...beside } = parseWith(fileSchema, data ?? {}, file);
  const name = options.context ?? ownContext;
  const context = name === undefined ? beside : contexts[name];
  if (context === undefined) {
    const known = Object.keys(contexts);
    throw new UsageError(`${file} has no context "${name}"; it has ${known.length > 0 ? known.join(", ") : "none"}`);
  }
  return settingsOf(context, (inFile) => resolve(dirname(file), inFile.replace(/^~(?=\/)/, homeFolder)));
}

async function readData(file: string, mayBeMissing: boolean): Promise<unknown> {
  try {
    return (await readConfigFile(file)).data;
  } catch (error) {
    const cause = (error as ConfigError).cause as NodeJS.ErrnoException | undefined;
    if (mayBeMissing && (cause?.code === "ENOENT" || cause?.code === "ENOTDIR")) return undefined;
    throw error;
  }
}

function settingsOf({ server, tokenFile, ca, cert, certKey, serverName, insecure }: Context, absolute: (path: string) => string) {
  const file = (inFile: string | undefined): string | undefined => (inFile === undefined ? undefined : absolute(inFile));
  return {
    ...NO_SETTINGS,
    servers: server === undefined || Array.isArray(server) ? server : [server],
    tokenFile: file(tokenFile),
    ca: file(ca),
    cert: file(cert),
    certKey: file(certKey),
    serverName,
    insecure,
  };
}
