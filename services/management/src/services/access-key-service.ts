import {
  type AccessKey,
  type AccessKeyServiceServer,
  type CreateAccessKeyRequest,
  type CreateAccessKeyResponse,
  type GetAccessUriRequest,
  type Handlers,
  type ListAccessKeysRequest,
  type ListAccessKeysResponse,
  type RotateSecretRequest,
  RpcError,
  type UpdateAccessKeyRequest,
} from "@shadowfleet/control-api";
import { addressFrom } from "@shadowfleet/wire";
import type { ManagementContext } from "../context.ts";
import type { KeyEntry } from "../directory/entries.ts";
import { type AccessKeys, type KeyChange, MAX_OVERLAP_MS } from "../domain/access-keys.ts";
import { FieldProblems } from "../domain/field-problems.ts";
import { pageTokenOf, readDuration, readPage, readRequestId, readTime } from "./requests.ts";
import { accessKeyMessage, accessUriOf } from "./resource-messages.ts";

/** Implements AccessKeyService. */
export function accessKeyService(context: ManagementContext, keys: AccessKeys, handlers: Handlers): AccessKeyServiceServer {
  const service = new AccessKeyCalls(context, keys);
  return {
    getAccessKey: handlers.unary(async ({ id }) => ({ accessKey: service.show(service.find(id)) })),
    listAccessKeys: handlers.unary(async (request) => service.list(request)),
    createAccessKey: handlers.unary((request) => service.create(request)),
    updateAccessKey: handlers.unary(async (request) => ({ accessKey: await service.update(request) })),
    deleteAccessKey: handlers.unary(async ({ id, resourceVersion }) => {
      await keys.delete(id, Number(resourceVersion));
      return {};
    }),
    rotateSecret: handlers.unary((request) => service.rotate(request)),
    getAccessUri: handlers.unary(async (request) => ({ accessUri: service.accessUri(request) })),
  };
}

class AccessKeyCalls {
  readonly #context: ManagementContext;
  readonly #keys: AccessKeys;

  constructor(context: ManagementContext, keys: AccessKeys) {
    this.#context = context;
    this.#keys = keys;
  }

  find(id: string): KeyEntry {
    const entry = this.#context.directory.view.keys.get(id);
    if (!entry) throw new RpcError("NOT_FOUND", `there is no access key "${id}"`);
    return entry;
  }

  show(entry: KeyEntry): AccessKey {
    return accessKeyMessage(entry, this.#context.directory.view.ports.get(entry.record.port), this.#context.clock.now());
  }

  list(request: ListAccessKeysRequest): ListAccessKeysResponse {
    const problems = new FieldProblems();
    const { afterId, size } = readPage(request, problems);
    problems.require(request.port <= 0xffff, "port", "must be a port number, or 0 for all");
    problems.throwIfAny();
    const { view } = this.#context.directory;
    const accessKeys: AccessKey[] = [];
    for (const id of view.keyIds.after(afterId)) {
      const entry = this.find(id);
      if (request.port !== 0 && entry.record.port !== request.port) continue;
      if (accessKeys.length === size) return { accessKeys, nextPageToken: pageTokenOf(accessKeys.at(-1)?.id ?? "") };
      accessKeys.push(this.show(entry));
    }
    return { accessKeys, nextPageToken: "" };
  }

  async create({ accessKey: wanted, requestId }: CreateAccessKeyRequest): Promise<CreateAccessKeyResponse> {
    const problems = new FieldProblems();
    const guard = readRequestId("CreateAccessKey", requestId, problems);
    const startsAtMs = readTime(wanted?.startTime, "access_key.start_time", problems);
    const expiresAtMs = readTime(wanted?.expireTime, "access_key.expire_time", problems);
    problems.require(expiresAtMs === undefined || expiresAtMs > this.#context.clock.now(), "access_key.expire_time", "has passed");
    const draft = {
      id: wanted?.id ?? "",
      displayName: wanted?.displayName ?? "",
      port: wanted?.port ?? 0,
      secret: wanted?.secret ?? "",
      disabled: wanted?.disabled ?? false,
      disabledReason: wanted?.disabledReason ?? "",
      startsAtMs,
      expiresAtMs,
      allowTargets: wanted?.allowTargets ?? [],
      denyTargets: wanted?.denyTargets ?? [],
    };
    return this.#showWithSecret(await this.#keys.create(draft, guard, problems));
  }

  async update({ accessKey: wanted, updateMask }: UpdateAccessKeyRequest): Promise<AccessKey> {
    const problems = new FieldProblems();
    problems.require(wanted !== undefined && wanted.id !== "", "access_key.id", "says which key to change");
    const change = wanted ? readChange(wanted, updateMask ?? [], problems) : {};
    if (!wanted?.id) problems.throwIfAny();
    return this.show(await this.#keys.update(wanted?.id ?? "", Number(wanted?.resourceVersion ?? 0n), change, problems));
  }

  async rotate({ id, secret, overlap, requestId }: RotateSecretRequest): Promise<CreateAccessKeyResponse> {
    const problems = new FieldProblems();
    const overlapMs = readDuration(overlap, { field: "overlap", minMs: 0, maxMs: MAX_OVERLAP_MS, absentMs: 0 }, problems);
    const guard = readRequestId("RotateSecret", requestId, problems);
    return this.#showWithSecret(await this.#keys.rotate(id, { secret, overlapMs, requestId: guard }, problems));
  }

  accessUri({ id, host }: GetAccessUriRequest): string {
    const entry = this.find(id);
    const problems = new FieldProblems();
    problems.require(host === "" || addressFrom(host, entry.record.port) !== undefined, "host", "must be a host name or IP address");
    problems.throwIfAny();
    return this.#uri(entry, host);
  }

  #uri(entry: KeyEntry, host: string): string {
    const port = this.#context.directory.view.ports.get(entry.record.port);
    if (!port) throw new RpcError("IN_USE", `access key "${entry.record.id}" has no port: there is no port ${entry.record.port}`);
    return accessUriOf(entry, port, host || this.#context.settings.publicHost);
  }

  #showWithSecret(entry: KeyEntry): CreateAccessKeyResponse {
    return { accessKey: { ...this.show(entry), secret: entry.record.secret }, accessUri: this.#uri(entry, "") };
  }
}

type ChangeReader = (wanted: AccessKey, problems: FieldProblems) => KeyChange;

const CHANGES: Readonly<Record<string, ChangeReader>> = {
  display_name: ({ displayName }) => ({ displayName }),
  // A reason belongs to being switched off; switching on again ends it.
  disabled: ({ disabled }) => (disabled ? { disabled } : { disabled, disabledReason: "" }),
  disabled_reason: ({ disabledReason }) => ({ disabledReason }),
  start_time: ({ startTime }, problems) => ({ startsAtMs: readTime(startTime, "access_key.start_time", problems) }),
  expire_time: ({ expireTime }, problems) => ({ expiresAtMs: readTime(expireTime, "access_key.expire_time", problems) }),
  allow_targets: ({ allowTargets }) => ({ allowTargets }),
  deny_targets: ({ denyTargets }) => ({ denyTargets }),
};

function readChange(wanted: AccessKey, mask: readonly string[], problems: FieldProblems): KeyChange {
  problems.require(mask.length > 0, "update_mask", `names no field; there are ${Object.keys(CHANGES).join(", ")}`);
  let change: KeyChange = {};
  // In the table's order, so that a given reason stands whatever the order of the mask.
  for (const [path, read] of Object.entries(CHANGES)) if (mask.includes(path)) change = { ...change, ...read(wanted, problems) };
  for (const path of mask)
    problems.require(
      Object.hasOwn(CHANGES, path),
      "update_mask",
      `"${path.slice(0, 64)}" cannot be changed; there are ${Object.keys(CHANGES).join(", ")}`,
    );
  return change;
}
