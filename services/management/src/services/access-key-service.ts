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
import { type AccessKeys, MAX_OVERLAP_MS } from "../domain/access-keys.ts";
import { FieldProblems } from "../domain/field-problems.ts";
import type { AccessConfigs } from "../doors/access-config.ts";
import { readChange } from "./key-changes.ts";
import { KeyUsage } from "./key-usage.ts";
import { readLimits } from "./limit-messages.ts";
import { pageTokenOf, readDuration, readPage, readRequestId, readTime } from "./requests.ts";
import { accessKeyMessage, accessUriOf } from "./resource-messages.ts";

/** Implements AccessKeyService. */
export function accessKeyService(
  context: ManagementContext,
  keys: AccessKeys,
  configs: AccessConfigs,
  handlers: Handlers,
): AccessKeyServiceServer {
  const service = new AccessKeyCalls(context, keys);
  return {
    getAccessKey: handlers.unary(async ({ id }) => ({ accessKey: await service.showWithUsage(service.find(id)) })),
    listAccessKeys: handlers.unary(async (request) => service.list(request)),
    createAccessKey: handlers.unary((request) => service.create(request)),
    updateAccessKey: handlers.unary(async (request) => ({ accessKey: await service.update(request) })),
    deleteAccessKey: handlers.unary(async ({ id, resourceVersion }) => {
      await keys.delete(id, Number(resourceVersion));
      return {};
    }),
    resetQuota: handlers.unary(async ({ id }) => ({ accessKey: await service.showWithUsage(await keys.resetQuota(id)) })),
    rotateSecret: handlers.unary((request) => service.rotate(request)),
    getAccessConfig: handlers.unary((request) => configs.get(request)),
    rotateAccessLink: handlers.unary((request) => configs.rotateLink(request)),
    getAccessUri: handlers.unary(async (request) => ({ accessUri: service.accessUri(request) })),
  };
}

class AccessKeyCalls {
  readonly #context: ManagementContext;
  readonly #keys: AccessKeys;
  readonly #usage: KeyUsage;

  constructor(context: ManagementContext, keys: AccessKeys) {
    this.#context = context;
    this.#keys = keys;
    this.#usage = new KeyUsage(context);
  }

  find(id: string): KeyEntry {
    const entry = this.#context.directory.view.keys.get(id);
    if (!entry) throw new RpcError("NOT_FOUND", `there is no access key "${id}"`);
    return entry;
  }

  show(entry: KeyEntry): AccessKey {
    return accessKeyMessage(entry, this.#context.directory.view.ports.get(entry.record.port), this.#context.clock.now());
  }

  async showWithUsage(entry: KeyEntry): Promise<AccessKey> {
    const [accessKey] = await this.#showAllWithUsage([entry]);
    return accessKey!;
  }

  async list(request: ListAccessKeysRequest): Promise<ListAccessKeysResponse> {
    const problems = new FieldProblems();
    const { afterId, size } = readPage(request, problems);
    problems.require(request.port <= 0xffff, "port", "must be a port number, or 0 for all");
    problems.throwIfAny();
    const { view } = this.#context.directory;
    const page: KeyEntry[] = [];
    let nextPageToken = "";
    for (const id of view.keyIds.after(afterId)) {
      const entry = this.find(id);
      if (request.port !== 0 && entry.record.port !== request.port) continue;
      if (page.length === size) {
        nextPageToken = pageTokenOf(page.at(-1)?.record.id ?? "");
        break;
      }
      page.push(entry);
    }
    return { accessKeys: await this.#showAllWithUsage(page), nextPageToken };
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
      limits: readLimits(wanted?.limits, problems),
    };
    return this.#showWithSecret(await this.#keys.create(draft, guard, problems));
  }

  async update({ accessKey: wanted, updateMask }: UpdateAccessKeyRequest): Promise<AccessKey> {
    const problems = new FieldProblems();
    problems.require(wanted !== undefined && wanted.id !== "", "access_key.id", "says which key to change");
    const change = wanted ? readChange(wanted, updateMask ?? [], problems) : {};
    if (!wanted?.id) problems.throwIfAny();
    return this.showWithUsage(await this.#keys.update(wanted?.id ?? "", Number(wanted?.resourceVersion ?? 0n), change, problems));
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

  async #showAllWithUsage(entries: readonly KeyEntry[]): Promise<AccessKey[]> {
    const usages = await this.#usage.of(entries);
    return entries.map((entry) => ({ ...this.show(entry), usage: usages.get(entry.record.id) }));
  }

  #showWithSecret(entry: KeyEntry): CreateAccessKeyResponse {
    return { accessKey: { ...this.show(entry), secret: entry.record.secret }, accessUri: this.#uri(entry, "") };
  }
}
