import {
  type AccessKey,
  CreateAccessKeyRequest,
  AccessKeyServiceService as Keys,
  type Quota,
  QuotaAction,
  UpdateAccessKeyRequest,
} from "@shadowfleet/control-api";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { ManagementContext } from "../context.ts";
import { DoorError } from "../http/door.ts";
import type { FleetCalls } from "./fleet-calls.ts";
import { bodyOf } from "./request-body.ts";

/** What Outline's limits count: the last 30 days. */
const LIMIT_DAYS = 30;

const dataLimit = z.object({ bytes: z.int().min(0) });
const newKey = z.object({
  name: z.string().optional(),
  method: z.string().optional(),
  password: z.string().optional(),
  port: z.int().min(1).max(65_535).optional(),
  limit: dataLimit.optional(),
});

/** Access keys as Outline's API has them. */
export class OutlineKeys {
  readonly #context: ManagementContext;

  constructor(context: ManagementContext) {
    this.#context = context;
  }

  async list(fleet: FleetCalls): Promise<object> {
    const keys = await fleet.keys();
    fleet.noteSecretsShown("outline");
    return { accessKeys: keys.map((key) => outlineKey(fleet, key)) };
  }

  async show(fleet: FleetCalls, request: FastifyRequest): Promise<object> {
    return outlineKey(fleet, await fleet.key(idOf(request)));
  }

  /** POST has an id chosen, PUT brings one. */
  async create(fleet: FleetCalls, request: FastifyRequest, reply: FastifyReply): Promise<object> {
    const { name = "", method, password = "", port = 0, limit } = bodyOf(newKey, request);
    const { id = "" } = request.params as { readonly id?: string };
    this.#checkMethod(method, port);
    const limits = limit && { quota: quotaOf(limit.bytes) };
    const accessKey = { id, displayName: name, secret: password, port, ...(limits && { limits }) };
    const created = (await fleet.unary(Keys.createAccessKey, CreateAccessKeyRequest.fromPartial({ accessKey }))).accessKey!;
    reply.code(201);
    return outlineKey(fleet, created);
  }

  async remove(fleet: FleetCalls, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    await fleet.unary(Keys.deleteAccessKey, { id: idOf(request), resourceVersion: 0n });
    reply.code(204);
  }

  async rename(fleet: FleetCalls, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { name } = bodyOf(z.object({ name: z.string() }), request);
    await update(fleet, { id: idOf(request), displayName: name }, "display_name");
    reply.code(204);
  }

  async limit(fleet: FleetCalls, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { limit } = bodyOf(z.object({ limit: dataLimit }), request);
    await update(fleet, { id: idOf(request), limits: { quota: quotaOf(limit.bytes) } }, "limits.quota");
    reply.code(204);
  }

  async unlimit(fleet: FleetCalls, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    await update(fleet, { id: idOf(request) }, "limits.quota");
    reply.code(204);
  }

  /** A method is a port's here. */
  #checkMethod(wanted: string | undefined, port: number): void {
    const { directory, settings } = this.#context;
    const number = port || settings.defaults.port;
    const method = directory.view.ports.get(number)?.record.method ?? settings.defaults.method;
    if (wanted === undefined || wanted === method) return;
    throw new DoorError({ httpStatus: 400, code: "invalid_argument", message: `method: keys of port ${number} have ${method}` });
  }

  /** Of keys with a quota, what counts against it; of others everything since the last reset. */
  async transfer(fleet: FleetCalls): Promise<object> {
    const [keys, traffic] = await Promise.all([fleet.keys(), fleet.traffic()]);
    const bytes = keys.flatMap(({ id, limits, usage }): [string, number][] => {
      const counted = traffic.get(id)?.sinceReset;
      const used = limits?.quota && usage ? usage.quotaUsedBytes : undefined;
      const sum = counted ? counted.tcpUpBytes + counted.tcpDownBytes + counted.udpUpBytes + counted.udpDownBytes : 0n;
      return (used ?? sum) > 0n ? [[id, Number(used ?? sum)]] : [];
    });
    return { bytesTransferredByUserId: Object.fromEntries(bytes) };
  }
}

function outlineKey(fleet: FleetCalls, { id, displayName, port, method, limits }: AccessKey): object {
  const secrets = fleet.secretsOf(id);
  const [uri] = secrets?.accessUri.split("#") ?? [];
  return {
    id,
    name: displayName,
    ...(secrets && { password: secrets.password }),
    port,
    method,
    ...(limits?.quota && { dataLimit: { bytes: Number(limits.quota.bytes) } }),
    ...(uri !== undefined && { accessUrl: `${uri}/?outline=1` }),
  };
}

/** Outline's limit of nothing at all is the smallest there is. */
function quotaOf(bytes: number): Quota {
  return {
    bytes: BigInt(Math.max(bytes, 1)),
    window: { $case: "rolling", value: { days: LIMIT_DAYS } },
    action: QuotaAction.QUOTA_ACTION_CUT,
    throttleBitsPerSecond: 0n,
    resetTime: undefined,
  };
}

async function update(
  fleet: FleetCalls,
  accessKey: Parameters<typeof UpdateAccessKeyRequest.fromPartial>[0]["accessKey"],
  field: string,
): Promise<void> {
  await fleet.unary(Keys.updateAccessKey, UpdateAccessKeyRequest.fromPartial({ accessKey, updateMask: [field] }));
}

function idOf(request: FastifyRequest): string {
  return (request.params as { readonly id: string }).id;
}
