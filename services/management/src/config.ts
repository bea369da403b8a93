import { readFileSync } from "node:fs";
import { type AccessToken, ROLES, type ServerTls } from "@shadowfleet/control-api";
import {
  type CommonConfig,
  ConfigError,
  type ConfigProblem,
  type ConfigSource,
  commonConfigShape,
  listenPort,
  parseConfigText,
  parseWith,
  portNumber,
} from "@shadowfleet/runtime";
import { type StoreConfig, storeSchema } from "@shadowfleet/store";
import { addressFrom } from "@shadowfleet/wire";
import { z } from "zod";
import { type DeclaredConfig, planDeclared } from "./config/declared-plan.ts";
import { type DeclaredInput, declaredSchema } from "./config/declared-schema.ts";
import { readTls, readTokens } from "./config/secret-files.ts";
import type { PublicHost } from "./context.ts";
import { checkMethod } from "./domain/credential-rules.ts";
import { readWebhooks, type Webhook, webhooksSchema } from "./events/webhook-config.ts";
import { type HttpConfig, httpSchema, readHttp } from "./http/http-schema.ts";

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/;

const grpcSchema = z.strictObject({
  host: z.string().min(1).default("127.0.0.1"),
  port: listenPort().default(9190),
  /** PEM files, read again on reload. With `clientCaFile`, clients must show a certificate of that authority. */
  tls: z.strictObject({ certFile: z.string().min(1), keyFile: z.string().min(1), clientCaFile: z.string().min(1).optional() }).optional(),
  /** Who may call: admin (everything), viewer (looking), relay (members of the fleet). Absent: everyone, on loopback only. */
  tokens: z
    .array(z.strictObject({ name: z.string().min(1), role: z.enum(ROLES), tokenFile: z.string().min(1) }))
    .min(1)
    .optional(),
});

const udpManagementSchema = z.strictObject({
  enabled: z.boolean().default(false),
  host: z.string().min(1).default("127.0.0.1"),
  port: listenPort().default(6001),
  /** The ancestor's, or shadowsocks-libev's ss-manager's. */
  dialect: z.enum(["go", "libev"]).default("go"),
});

const publicHostName = z.string().refine((host) => addressFrom(host, 1) !== undefined, "is not a host name or IP address");

const managementSchema = z.strictObject({
  ...commonConfigShape,
  /** Where the gRPC API is served. */
  grpc: grpcSchema.prefault({}),
  /** Where the other doors are: JSON, key documents, REST APIs, console. Tokens are those of `grpc`. */
  http: httpSchema.prefault({}),
  store: storeSchema.prefault({ type: "memory" }),
  /** Host name or address that clients reach the relays at: what ss:// URIs say. */
  publicHost: publicHostName.optional(),
  /** Where clients reach relays, where that is more than one place: key documents name them all, healthy ones first. `members`: who is behind it. */
  publicHosts: z
    .array(
      z
        .union([publicHostName, z.strictObject({ host: publicHostName, members: z.array(z.string().min(1)).default([]) })])
        .transform((entry) => (typeof entry === "string" ? { host: entry, members: [] } : entry)),
    )
    .default([]),
  /** What access keys and ports get when a request does not say. */
  defaults: z.strictObject({ port: portNumber().default(8388), method: z.string().min(1).default("chacha20-ietf-poly1305") }).prefault({}),
  /** Lets ports and upstreams use the ancestor's stream ciphers, which anyone on the way can tamper with. */
  allowInsecureCiphers: z.boolean().default(false),
  declared: declaredSchema.optional(),
  /** Holds what `declared` would, for example a mounted secret. */
  declaredFile: z.string().min(1).optional(),
  udpManagement: udpManagementSchema.prefault({}),
  /** Who is told of events over HTTP. */
  webhooks: webhooksSchema.default([]),
});

type ManagementInput = z.output<typeof managementSchema>;

export interface ManagementConfig extends CommonConfig {
  readonly grpc: {
    readonly host: string;
    readonly port: number;
    /** Undefined: plaintext. */
    readonly tls: ServerTls | undefined;
    /** Undefined: everyone may call everything. */
    readonly tokens: readonly AccessToken[] | undefined;
  };
  readonly http: HttpConfig;
  readonly store: StoreConfig;
  readonly publicHost: string | undefined;
  readonly publicHosts: readonly PublicHost[];
  readonly defaults: { readonly port: number; readonly method: string };
  readonly allowInsecureCiphers: boolean;
  readonly declared: DeclaredConfig;
  readonly udpManagement: z.output<typeof udpManagementSchema>;
  readonly webhooks: readonly Webhook[];
}

/** Reads management's configuration and the files it names; throws ConfigError with every problem. */
export function loadManagementConfig(source: ConfigSource): ManagementConfig {
  const input = parseWith(managementSchema, source.data, source.name);
  const problems: ConfigProblem[] = [];
  const { declared: inline, declaredFile, grpc, http: httpInput, webhooks: webhookInput, ...rest } = input;
  const tls = grpc.tls && readTls(grpc.tls, problems);
  const tokens = grpc.tokens && readTokens(grpc.tokens, problems);
  checkExposure(grpc, problems);
  const webhooks = readWebhooks(webhookInput, problems);
  const http = readHttp(httpInput, grpc.tokens !== undefined, input.store.type !== "memory", problems);
  const method = checkMethod(input.defaults.method, input.allowInsecureCiphers);
  if (!method.ok) problems.push({ path: "defaults.method", reason: method.reason });
  const plan = planDeclared(
    readDeclared(inline, declaredFile, problems),
    input.allowInsecureCiphers,
    declaredFile ? `${declaredFile}: ` : "declared.",
  );
  problems.push(...plan.problems);
  if (problems.length > 0) throw new ConfigError(source.name, problems);
  return {
    ...rest,
    publicHost: input.publicHost ?? input.publicHosts[0]?.host,
    grpc: { host: grpc.host, port: grpc.port, tls, tokens },
    http,
    declared: plan.declared,
    webhooks,
  };
}

/** Whoever reaches an open API owns the fleet, so beyond this machine it takes both encryption and tokens. */
function checkExposure({ host, tls, tokens }: ManagementInput["grpc"], problems: ConfigProblem[]): void {
  if (LOOPBACK.test(host)) return;
  if (!tls)
    problems.push({
      path: "grpc.tls",
      reason: `required, since grpc.host ${host} is not a loopback address: tokens and keys would be read on the way`,
    });
  if (!tokens)
    problems.push({
      path: "grpc.tokens",
      reason: `required, since grpc.host ${host} is not a loopback address: anyone could manage the fleet`,
    });
}

function readDeclared(inline: DeclaredInput | undefined, file: string | undefined, problems: ConfigProblem[]): DeclaredInput {
  if (file === undefined) return inline ?? { ports: [], keys: [], upstreams: [] };
  if (inline) problems.push({ path: "declaredFile", reason: "either declared or declaredFile, not both" });
  try {
    const source = parseConfigText(readFileSync(file, "utf8"), file);
    return parseWith(declaredSchema, source.data, source.name);
  } catch (error) {
    if (error instanceof ConfigError) problems.push(...error.problems.map(({ path, reason }) => ({ path: `${file}: ${path}`, reason })));
    else
      problems.push({
        path: "declaredFile",
        reason: `cannot be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`,
      });
    return { ports: [], keys: [], upstreams: [] };
  }
}
