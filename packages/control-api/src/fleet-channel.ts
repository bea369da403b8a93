import { readFileSync } from "node:fs";
import { Channel } from "@grpc/grpc-js";
import { FleetError, type HostPort } from "@shadowfleet/runtime";
import { type ClientTelemetry, clientTelemetryInterceptor } from "./client-telemetry.ts";
import { type ControlChannel, type ControlTarget, controlChannel } from "./control-channel.ts";
import { AccessKeyServiceClient } from "./gen/shadowfleet/v1/access_key.ts";
import { ConfigServiceClient } from "./gen/shadowfleet/v1/config.ts";
import { EventServiceClient } from "./gen/shadowfleet/v1/event.ts";
import { FleetServiceClient } from "./gen/shadowfleet/v1/fleet.ts";
import { PortServiceClient } from "./gen/shadowfleet/v1/port.ts";
import { SessionServiceClient } from "./gen/shadowfleet/v1/session.ts";
import { TrafficServiceClient } from "./gen/shadowfleet/v1/traffic.ts";
import { UpstreamServiceClient } from "./gen/shadowfleet/v1/upstream.ts";
import type { ManagementTarget, ManagementTls } from "./management-schema.ts";

/** The services of one management replica. */
export interface FleetClients {
  readonly accessKeys: AccessKeyServiceClient;
  readonly ports: PortServiceClient;
  readonly upstreams: UpstreamServiceClient;
  readonly traffic: TrafficServiceClient;
  readonly sessions: SessionServiceClient;
  readonly fleet: FleetServiceClient;
  readonly config: ConfigServiceClient;
  readonly events: EventServiceClient;
}

/** A long-lived member's way to management: one replica at a time, another one when that does not answer. */
export interface FleetChannel {
  /** host:port of the replica in use. */
  readonly address: string;
  /**
   * The services of the replica in use. Opened when first asked for after `advance`; throws FleetError CONFIG_INVALID when a file it needs
   * cannot be read.
   */
  readonly clients: FleetClients;
  /** Leaves this replica: the connection is closed, the next one will be to the next address. */
  advance(): void;
  close(): void;
}

/** A snapshot comes in several messages; this only bounds what one may be. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Nothing is opened yet. With `telemetry`, calls are measured and traced. */
export function connectFleet(target: ManagementTarget, telemetry?: ClientTelemetry): FleetChannel {
  return new RoundRobinChannel(target, telemetry);
}

interface OpenReplica {
  readonly channel: Channel;
  readonly clients: FleetClients;
}

class RoundRobinChannel implements FleetChannel {
  readonly #target: ManagementTarget;
  readonly #telemetry: ClientTelemetry | undefined;
  #at = 0;
  #open: OpenReplica | undefined;

  constructor(target: ManagementTarget, telemetry: ClientTelemetry | undefined) {
    this.#target = target;
    this.#telemetry = telemetry;
  }

  get address(): string {
    return formatAddress(this.#replica);
  }

  get clients(): FleetClients {
    this.#open ??= openReplica(this.#replica, this.#target, this.#telemetry);
    return this.#open.clients;
  }

  advance(): void {
    this.close();
    this.#at++;
  }

  close(): void {
    this.#open?.channel.close();
    this.#open = undefined;
  }

  get #replica(): HostPort {
    const { addresses } = this.#target;
    return addresses[this.#at % addresses.length]!;
  }
}

function openReplica(replica: HostPort, { tls, tokenFile }: ManagementTarget, telemetry: ClientTelemetry | undefined): OpenReplica {
  const target: ControlTarget = {
    address: `dns:///${formatAddress(replica)}`,
    ...(tls ? { tls: readTls(tls) } : {}),
    ...(tokenFile === undefined ? {} : { token: read(tokenFile).toString("utf8").trim() }),
    ...(telemetry ? { interceptors: [clientTelemetryInterceptor(telemetry, replica)] } : {}),
  };
  const { credentials, options }: ControlChannel = controlChannel(target);
  const own = {
    ...options,
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    // Whoever connects again has waited already; a subchannel shared with the connection before would add its own back-off.
    "grpc.use_local_subchannel_pool": 1,
  };
  const { interceptors: _interceptors, ...channelOptions } = own;
  const channel = new Channel(target.address, credentials, channelOptions);
  const shared = [target.address, credentials, { ...own, channelOverride: channel }] as const;
  const clients: FleetClients = {
    accessKeys: new AccessKeyServiceClient(...shared),
    ports: new PortServiceClient(...shared),
    upstreams: new UpstreamServiceClient(...shared),
    traffic: new TrafficServiceClient(...shared),
    sessions: new SessionServiceClient(...shared),
    fleet: new FleetServiceClient(...shared),
    config: new ConfigServiceClient(...shared),
    events: new EventServiceClient(...shared),
  };
  return { channel, clients };
}

function readTls({ caFile, certFile, keyFile, serverName }: ManagementTls): NonNullable<ControlTarget["tls"]> {
  return {
    ...(caFile === undefined ? {} : { ca: read(caFile) }),
    ...(certFile === undefined ? {} : { cert: read(certFile) }),
    ...(keyFile === undefined ? {} : { key: read(keyFile) }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new FleetError("CONFIG_INVALID", `${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function formatAddress({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
