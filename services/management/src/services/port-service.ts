import {
  type CreatePortRequest,
  type Handlers,
  type ListPortsRequest,
  type ListPortsResponse,
  type Port,
  type PortServiceServer,
  RpcError,
} from "@shadowfleet/control-api";
import type { ManagementContext } from "../context.ts";
import type { PortEntry } from "../directory/entries.ts";
import { type Binding, bindingsByPort } from "../directory/members.ts";
import { FieldProblems } from "../domain/field-problems.ts";
import type { Ports } from "../domain/ports.ts";
import { cutPage, readPage, readRequestId } from "./requests.ts";
import { portMessage } from "./resource-messages.ts";

/** Implements PortService. */
export function portService(context: ManagementContext, ports: Ports, handlers: Handlers): PortServiceServer {
  const service = new PortCalls(context, ports);
  return {
    getPort: handlers.unary(async ({ port }) => ({ port: await service.get(port) })),
    listPorts: handlers.unary((request) => service.list(request)),
    createPort: handlers.unary(async (request, { deadlineMs, signal }) => ({ port: await service.create(request, deadlineMs, signal) })),
    deletePort: handlers.unary(async ({ port, force }) => {
      await ports.delete(port, force);
      return {};
    }),
  };
}

class PortCalls {
  readonly #context: ManagementContext;
  readonly #ports: Ports;

  constructor(context: ManagementContext, ports: Ports) {
    this.#context = context;
    this.#ports = ports;
  }

  async get(number: number): Promise<Port> {
    const entry = this.#context.directory.view.ports.get(number);
    if (!entry) throw new RpcError("NOT_FOUND", `there is no port ${number}`);
    return this.#show(entry, bindingsByPort(await this.#context.members.listOrLast()).get(number));
  }

  async list(request: ListPortsRequest): Promise<ListPortsResponse> {
    const problems = new FieldProblems();
    const { afterId, size } = readPage(request, problems);
    problems.throwIfAny();
    const bindings = bindingsByPort(await this.#context.members.listOrLast());
    const ordered = [...this.#context.directory.view.ports.values()].sort((a, b) => a.record.port - b.record.port);
    const rest = ordered.filter(({ record }) => record.port > Number(afterId));
    const { items, nextPageToken } = cutPage(rest, size, ({ record }) => String(record.port));
    return { ports: items.map((entry) => this.#show(entry, bindings.get(entry.record.port))), nextPageToken };
  }

  async create({ port: wanted, requestId }: CreatePortRequest, deadlineMs: number, signal: AbortSignal): Promise<Port> {
    const problems = new FieldProblems();
    const guard = readRequestId("CreatePort", requestId, problems);
    const draft = { port: wanted?.port ?? 0, host: wanted?.host ?? "", method: wanted?.method ?? "" };
    const entry = await this.#ports.create(draft, guard, problems);
    const { bindings } = await this.#ports.untilBound(entry, deadlineMs, signal);
    return this.#show(entry, bindings);
  }

  #show(entry: PortEntry, bindings: readonly Binding[] = []): Port {
    return portMessage(entry, bindings, this.#context.directory.view.keysOf(entry.record.port).size);
  }
}
