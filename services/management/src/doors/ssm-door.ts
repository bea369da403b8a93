import {
  type AccessKey,
  CreateAccessKeyRequest,
  FleetServiceService as Fleet,
  AccessKeyServiceService as Keys,
  LocalCallError,
  type LocalCalls,
  RotateSecretRequest,
  TrafficServiceService as Tallies,
  type Traffic,
} from "@shadowfleet/control-api";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { ManagementContext } from "../context.ts";
import { failureOf } from "../http/call-status.ts";
import { type Door, DoorError } from "../http/door.ts";
import { FleetCalls, type SessionCount } from "./fleet-calls.ts";
import { bodyOf } from "./request-body.ts";
import { keyIdOf, usernameOf } from "./ssm-names.ts";

/** With a bearer token, or a token in the path; the default port's users, or another port's. */
const PREFIXES = ["/ssm/v1", "/ssm/v1/servers/:server", "/ssm/:token/v1", "/ssm/:token/v1/servers/:server"];

const newUser = z.object({ username: z.string().min(1).max(256), uPSK: z.string().optional() });
const changedUser = z.object({ uPSK: z.string().min(1) });

interface UserRequest {
  readonly server?: string;
  readonly username: string;
}

/** Counted payload; packets are not counted and are 0. */
interface Stats {
  readonly downlinkPackets: number;
  readonly downlinkBytes: number;
  readonly uplinkPackets: number;
  readonly uplinkBytes: number;
  readonly tcpSessions: number;
  readonly udpSessions: number;
}

/** Shadowsocks Server Management API v1 (Shadowsocks-NET specs, 2023-1); a server is a port of the fleet, a user an access key. */
export function ssmDoor(context: ManagementContext, calls: LocalCalls): Door {
  const ssm = new SsmRequests(context);
  const route = (server: FastifyInstance, method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE", path: string, serve: Serve): void => {
    for (const prefix of PREFIXES) {
      const handler = async (request: FastifyRequest, reply: FastifyReply) => {
        const fleet = new FleetCalls(context, calls, request, reply);
        await fleet.admit();
        return serve(fleet, request, reply);
      };
      server.route({ method, url: `${prefix}${path}`, handler });
    }
  };
  return {
    name: "ssm",
    routes: (server) => {
      for (const path of ["", "/"]) route(server, "GET", path, (fleet) => ssm.info(fleet));
      route(server, "GET", "/users", (fleet, request) => ssm.list(fleet, request));
      route(server, "POST", "/users", (fleet, request, reply) => ssm.add(fleet, request, reply));
      route(server, "GET", "/users/:username", (fleet, request) => ssm.show(fleet, request));
      // The standard says PATCH, sing-box PUT.
      route(server, "PATCH", "/users/:username", (fleet, request, reply) => ssm.change(fleet, request, reply));
      route(server, "PUT", "/users/:username", (fleet, request, reply) => ssm.change(fleet, request, reply));
      route(server, "DELETE", "/users/:username", (fleet, request, reply) => ssm.remove(fleet, request, reply));
      route(server, "GET", "/stats", (fleet, request) => ssm.stats(fleet, request));
    },
    errorBody: ({ message }) => ({ error: message }),
  };
}

type Serve = (fleet: FleetCalls, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

class SsmRequests {
  readonly #context: ManagementContext;

  constructor(context: ManagementContext) {
    this.#context = context;
  }

  async info(fleet: FleetCalls): Promise<object> {
    const { version } = await fleet.unary(Fleet.getFleet, {});
    return { server: `shadowfleet ${version}`, apiVersion: "v1" };
  }

  async list(fleet: FleetCalls, request: FastifyRequest): Promise<object> {
    const keys = await fleet.keys(this.#portOf(request));
    fleet.noteSecretsShown("ssm");
    return { users: keys.map((key) => userOf(fleet, key)) };
  }

  async add(fleet: FleetCalls, request: FastifyRequest, reply: FastifyReply): Promise<object> {
    const { username, uPSK = "" } = bodyOf(newUser, request);
    const id = keyIdOf(username);
    const port = this.#portOf(request);
    const accessKey = { id, displayName: id === username ? "" : username, port: port === this.#defaultPort ? 0 : port, secret: uPSK };
    const created = await fleet.unary(Keys.createAccessKey, CreateAccessKeyRequest.fromPartial({ accessKey })).catch(asMalformed);
    reply.code(201);
    return { username, uPSK: created.accessKey?.secret };
  }

  async show(fleet: FleetCalls, request: FastifyRequest): Promise<object> {
    const key = await this.#find(fleet, request);
    const [traffic, sessions] = await Promise.all([fleet.trafficOf(key.id), fleet.sessions(key.id)]);
    return { ...userOf(fleet, key), ...statsOf(traffic, sessions.get(key.id)) };
  }

  async change(fleet: FleetCalls, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { uPSK: secret } = bodyOf(changedUser, request);
    const { id } = await this.#find(fleet, request);
    await fleet.unary(Keys.rotateSecret, RotateSecretRequest.fromPartial({ id, secret }));
    reply.code(204);
  }

  async remove(fleet: FleetCalls, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { id } = await this.#find(fleet, request);
    await fleet.unary(Keys.deleteAccessKey, { id, resourceVersion: 0n });
    reply.code(204);
  }

  async stats(fleet: FleetCalls, request: FastifyRequest): Promise<object> {
    const keys = await fleet.keys(this.#portOf(request));
    const [traffic, sessions] = await Promise.all([fleet.traffic(), fleet.sessions()]);
    const users = keys.map((key) => ({ username: usernameOf(key), ...statsOf(traffic.get(key.id), sessions.get(key.id)) }));
    if ((request.query as { readonly clear?: string }).clear === "true")
      for (const { id } of keys) if (traffic.has(id)) await fleet.unary(Tallies.resetTraffic, { accessKeyId: id });
    const total = (field: keyof Stats): number => users.reduce((sum, user) => sum + user[field], 0);
    const fields = ["downlinkPackets", "downlinkBytes", "uplinkPackets", "uplinkBytes", "tcpSessions", "udpSessions"] as const;
    return { ...Object.fromEntries(fields.map((field) => [field, total(field)])), users };
  }

  /** The key, if it is one of the server in the path. */
  async #find(fleet: FleetCalls, request: FastifyRequest): Promise<AccessKey> {
    const key = await fleet.key(keyIdOf((request.params as UserRequest).username));
    if (key.port === this.#portOf(request)) return key;
    throw new DoorError({ httpStatus: 404, code: "not_found", message: "this server has no such user" });
  }

  get #defaultPort(): number {
    return this.#context.settings.defaults.port;
  }

  #portOf(request: FastifyRequest): number {
    const { server } = request.params as Partial<UserRequest>;
    if (server === undefined) return this.#defaultPort;
    if (/^\d{1,5}$/.test(server) && this.#context.directory.view.ports.has(Number(server))) return Number(server);
    throw new DoorError({ httpStatus: 404, code: "not_found", message: "there is no such server: servers are named by their port" });
  }
}

/** The standard has 400 for a name that is taken. */
function asMalformed(error: unknown): never {
  const failure = error instanceof LocalCallError ? failureOf(error.status) : undefined;
  if (failure?.code === "already_exists") throw new DoorError({ ...failure, httpStatus: 400 });
  throw error;
}

function userOf(fleet: FleetCalls, key: AccessKey): object {
  const uPSK = fleet.secretsOf(key.id)?.secret;
  return { username: usernameOf(key), ...(uPSK !== undefined && { uPSK }) };
}

function statsOf(traffic: Traffic | undefined, sessions: SessionCount = { tcp: 0, udp: 0 }): Stats {
  const bytes = traffic?.sinceReset;
  return {
    downlinkPackets: 0,
    downlinkBytes: Number((bytes?.tcpDownBytes ?? 0n) + (bytes?.udpDownBytes ?? 0n)),
    uplinkPackets: 0,
    uplinkBytes: Number((bytes?.tcpUpBytes ?? 0n) + (bytes?.udpUpBytes ?? 0n)),
    tcpSessions: sessions.tcp,
    udpSessions: sessions.udp,
  };
}
