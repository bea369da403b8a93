import {
  AccessKeyServiceClient,
  type CallFailure,
  ConfigServiceClient,
  type ControlTarget,
  controlChannel,
  EventServiceClient,
  FleetServiceClient,
  fromServiceError,
  type Member,
  MemberKind,
  PortServiceClient,
  SessionServiceClient,
  TrafficServiceClient,
  UpstreamServiceClient,
} from "@shadowfleet/control-api";
import { systemClock } from "@shadowfleet/runtime";
import { type FleetStore, SqliteStore } from "@shadowfleet/store";
import { createMemoryLogger, type MemoryLogger, RecordingMetrics } from "@shadowfleet/testkit";
import { createApp, loadManagementConfig, type ManagementApp, type ManagementConfig, type ManagementTiming } from "../src/index.ts";

/** Waits short enough for tests; nothing depends on them being exact. */
const TIMING: ManagementTiming = {
  heartbeatMs: 5_000,
  storePingMs: 50,
  retryMinMs: 20,
  retryMaxMs: 100,
  firstStateMs: 500,
  catchUpMs: 1_000,
  bindWaitMs: 1_000,
  bindLookMs: 10,
  storeServersMs: 200,
  totalsMs: 50,
  watchMs: 50,
  statMs: 10_000,
  oldSecretUseMs: 60_000,
  eventsMs: 20,
  derivedMs: 50,
  turnMs: 2_000,
  relayGraceMs: 0,
  webhookRetryMinMs: 20,
  webhookRetryMaxMs: 100,
};

export interface ManagementFixture extends AsyncDisposable {
  readonly app: ManagementApp;
  readonly log: MemoryLogger;
  readonly metrics: RecordingMetrics;
  readonly store: FleetStore;
  readonly clients: FleetClients;
  /** Clients of the same server that show this token. */
  clientsWith(target: Partial<ControlTarget>): FleetClients;
}

export interface FixtureOptions {
  readonly store?: FleetStore;
  readonly timing?: Partial<ManagementTiming>;
  /** Goes over `grpc: {port: 0}`. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export function managementConfig(data: Readonly<Record<string, unknown>> = {}): ManagementConfig {
  return loadManagementConfig({ name: "test", data: { grpc: { port: 0 }, publicHost: "relay.example", ...data } });
}

/** A running management process on loopback and clients for it. */
export async function startManagement(options: FixtureOptions = {}): Promise<ManagementFixture> {
  const store = options.store ?? new SqliteStore({ path: ":memory:" });
  const log = createMemoryLogger();
  const metrics = new RecordingMetrics();
  const timing = { ...TIMING, ...options.timing };
  const app = createApp(managementConfig(options.config), { logger: log.logger, metrics, clock: systemClock, store, timing });
  await app.start();
  const address = `127.0.0.1:${app.address.port}`;
  const opened: FleetClients[] = [];
  const clientsWith = (target: Partial<ControlTarget>): FleetClients => {
    const clients = new FleetClients({ address, ...target });
    opened.push(clients);
    return clients;
  };
  return {
    app,
    log,
    metrics,
    store,
    clients: clientsWith({}),
    clientsWith,
    [Symbol.asyncDispose]: async () => {
      for (const clients of opened) clients.close();
      await app.drain(200);
      if (!options.store) await store.close();
    },
  };
}

/** A client of every service. */
export class FleetClients {
  readonly keys: AccessKeyServiceClient;
  readonly ports: PortServiceClient;
  readonly upstreams: UpstreamServiceClient;
  readonly traffic: TrafficServiceClient;
  readonly sessions: SessionServiceClient;
  readonly fleet: FleetServiceClient;
  readonly config: ConfigServiceClient;
  readonly events: EventServiceClient;

  constructor(target: ControlTarget) {
    const { address, credentials, options } = controlChannel(target);
    this.keys = new AccessKeyServiceClient(address, credentials, options);
    this.ports = new PortServiceClient(address, credentials, options);
    this.upstreams = new UpstreamServiceClient(address, credentials, options);
    this.traffic = new TrafficServiceClient(address, credentials, options);
    this.sessions = new SessionServiceClient(address, credentials, options);
    this.fleet = new FleetServiceClient(address, credentials, options);
    this.config = new ConfigServiceClient(address, credentials, options);
    this.events = new EventServiceClient(address, credentials, options);
  }

  close(): void {
    for (const client of [this.keys, this.ports, this.upstreams, this.traffic, this.sessions, this.fleet, this.config, this.events])
      client.close();
  }
}

type Callback<Response> = (error: Parameters<typeof fromServiceError>[0] | null, response: Response) => void;
// Of a generated method's overloads the last one counts here: request, metadata, options, callback.
type RequestOf<Method> = Method extends (request: infer Request, metadata: never, options: never, callback: never) => unknown
  ? Request
  : never;
type ResponseOf<Method> = Method extends (
  request: never,
  metadata: never,
  options: never,
  callback: (error: never, response: infer Response) => void,
) => unknown
  ? Response
  : never;

/** A call as a promise; rejects with CallError. Missing fields of the request have their defaults. */
export function call<Client extends object, Name extends keyof Client & string>(
  client: Client,
  method: Name,
  request: Partial<RequestOf<Client[Name]>>,
): Promise<ResponseOf<Client[Name]>> {
  const { service } = client.constructor as unknown as { service: Readonly<Record<string, { requestDeserialize(bytes: Buffer): object }>> };
  const whole = { ...service[method]!.requestDeserialize(Buffer.alloc(0)), ...request };
  const invoke = (client[method] as (request: object, callback: Callback<ResponseOf<Client[Name]>>) => unknown).bind(client);
  return new Promise((resolve, reject) => {
    invoke(whole, (error, response) => (error ? reject(new CallError(fromServiceError(error))) : resolve(response)));
  });
}

export class CallError extends Error {
  readonly failure: CallFailure;

  constructor(failure: CallFailure) {
    super(`${failure.code}: ${failure.message}`);
    this.failure = failure;
  }
}

/** How a call that must fail failed. */
export async function failureOf(promise: Promise<unknown>): Promise<CallFailure> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof CallError) return error.failure;
    throw error;
  }
  throw new Error("the call succeeded");
}

export function member(id: string, kind: MemberKind = MemberKind.MEMBER_KIND_TCP_RELAY, more: Partial<Member> = {}): Member {
  return {
    id,
    kind,
    version: "0.1.0",
    epoch: "1",
    startTime: new Date(),
    reportTime: undefined,
    appliedRevision: 0n,
    ready: true,
    draining: false,
    sessionCount: 0,
    ...more,
  };
}
