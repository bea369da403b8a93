import {
  type AccessKey,
  type Caller,
  AccessKeyServiceService as Keys,
  type LocalCall,
  type LocalCalls,
  type LocalMethod,
  SessionServiceService as Sessions,
  TrafficServiceService as Tallies,
  type Traffic,
  Transport,
} from "@shadowfleet/control-api";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ManagementContext } from "../context.ts";
import { incomingCall } from "../http/incoming-call.ts";
import { accessUriOf, clientPasswordOf } from "../services/resource-messages.ts";

const PAGE = 1_000;

/** What belongs to a key and only an admin may see. */
export interface KeySecrets {
  readonly secret: string;
  /** What a client has as password: with SIP023, the port's key and the secret. */
  readonly password: string;
  readonly accessUri: string;
}

/** Sessions of one key. */
export interface SessionCount {
  tcp: number;
  udp: number;
}

/** What a REST request asks of the fleet: the API's own calls, in the name of who sent the request. */
export class FleetCalls {
  readonly #context: ManagementContext;
  readonly #calls: LocalCalls;
  readonly #call: LocalCall;
  /** Who asks, if it is someone who may see secrets. */
  readonly #admin: Caller | undefined;

  /** The token is the header's, or where the path begins with one, the path's. */
  constructor(context: ManagementContext, calls: LocalCalls, request: FastifyRequest, reply: FastifyReply) {
    this.#context = context;
    this.#calls = calls;
    const { token } = request.params as { readonly token?: string };
    this.#call = incomingCall(request, reply, context.clock.now(), token === undefined ? request.headers.authorization : `Bearer ${token}`);
    this.#admin = calls.callerOf(Keys.getAccessUri, this.#call.authorization);
  }

  /** Rejects with LocalCallError. */
  unary<Request, Response>(method: LocalMethod<Request, Response>, request: Request): Promise<Response> {
    return this.#calls.unary(method, request, this.#call);
  }

  /** Before anything else is said: rejects with LocalCallError for who may not even look. */
  async admit(): Promise<void> {
    if (!this.#calls.callerOf(Keys.listAccessKeys, this.#call.authorization))
      await this.unary(Keys.listAccessKeys, { pageSize: 1, pageToken: "", port: 0 });
  }

  /** Of a port, or all. */
  async keys(port = 0): Promise<readonly AccessKey[]> {
    return this.#pages(async (pageToken) => {
      const { accessKeys, nextPageToken } = await this.unary(Keys.listAccessKeys, { pageSize: PAGE, pageToken, port });
      return { items: accessKeys, nextPageToken };
    });
  }

  async key(id: string): Promise<AccessKey> {
    return (await this.unary(Keys.getAccessKey, { id })).accessKey!;
  }

  /** Of one key that there is. */
  async trafficOf(id: string): Promise<Traffic | undefined> {
    return (await this.unary(Tallies.getTraffic, { subject: { subject: { $case: "accessKeyId", value: id } } })).traffic;
  }

  /** Of all keys, by key. */
  async traffic(): Promise<ReadonlyMap<string, Traffic>> {
    const all = await this.#pages(async (pageToken) => {
      const { traffic, nextPageToken } = await this.unary(Tallies.listTraffic, { pageSize: PAGE, pageToken });
      return { items: traffic, nextPageToken };
    });
    return new Map(all.map((traffic) => [traffic.subject, traffic]));
  }

  /** By key; of all keys when `accessKeyId` is empty. */
  async sessions(accessKeyId = ""): Promise<ReadonlyMap<string, SessionCount>> {
    const all = await this.#pages(async (pageToken) => {
      const { sessions, nextPageToken } = await this.unary(Sessions.listSessions, { pageSize: PAGE, pageToken, accessKeyId });
      return { items: sessions, nextPageToken };
    });
    const counts = new Map<string, SessionCount>();
    for (const { accessKeyId: id, transport } of all) {
      const count = counts.get(id) ?? { tcp: 0, udp: 0 };
      counts.set(id, count);
      count[transport === Transport.TRANSPORT_UDP ? "udp" : "tcp"]++;
    }
    return counts;
  }

  /** Undefined for who may not see secrets. The API shows one key's at a time; lists of other programs' APIs have them all. */
  secretsOf(id: string): KeySecrets | undefined {
    const { directory, settings } = this.#context;
    if (!this.#admin) return undefined;
    const entry = directory.view.keys.get(id);
    const port = entry && directory.view.ports.get(entry.record.port);
    if (!entry || !port) return undefined;
    return {
      secret: entry.record.secret,
      password: clientPasswordOf(entry.record, port.record),
      accessUri: accessUriOf(entry, port, settings.publicHost),
    };
  }

  /** A line for what no call of the API stands for. */
  noteSecretsShown(door: string): void {
    if (this.#admin)
      this.#context.logger.info({ door, caller: this.#admin.name, peer: this.#call.peer }, "secrets of all access keys shown");
  }

  async #pages<T>(
    read: (pageToken: string) => Promise<{ readonly items: readonly T[]; readonly nextPageToken: string }>,
  ): Promise<readonly T[]> {
    const all: T[] = [];
    for (let pageToken = ""; ; ) {
      const { items, nextPageToken } = await read(pageToken);
      all.push(...items);
      if (nextPageToken === "") return all;
      pageToken = nextPageToken;
    }
  }
}
