import type {
  CreateUpstreamRequest,
  Handlers,
  ListUpstreamsRequest,
  ListUpstreamsResponse,
  Upstream,
  UpstreamServiceServer,
} from "@shadowfleet/control-api";
import type { ManagementContext } from "../context.ts";
import { turnOf, type UpstreamEntry } from "../directory/entries.ts";
import { FieldProblems } from "../domain/field-problems.ts";
import type { Upstreams } from "../domain/upstreams.ts";
import { explainPick } from "./pick-explanation.ts";
import { cutPage, readPage, readRequestId } from "./requests.ts";
import { upstreamMessage } from "./resource-messages.ts";

/** Implements UpstreamService. */
export function upstreamService(context: ManagementContext, upstreams: Upstreams, handlers: Handlers): UpstreamServiceServer {
  const service = new UpstreamCalls(context, upstreams);
  return {
    getUpstream: handlers.unary(async ({ id }) => ({ upstream: service.show(upstreams.find(id)) })),
    listUpstreams: handlers.unary(async (request) => service.list(request)),
    createUpstream: handlers.unary(async (request) => ({ upstream: await service.create(request) })),
    deleteUpstream: handlers.unary(async ({ id }) => {
      await upstreams.delete(id);
      return {};
    }),
    resetCircuit: handlers.unary(async ({ id }) => ({ upstream: service.show(await upstreams.resetCircuit(id)) })),
    explainPick: handlers.unary(async () => {
      const { view, failCounts } = context.directory;
      const order = view.upstreamsInOrder.map(({ record: { id } }) => ({ upstreamId: id, failCount: failCounts.get(id)?.count ?? 0 }));
      return { explanations: explainPick(order) };
    }),
  };
}

class UpstreamCalls {
  readonly #context: ManagementContext;
  readonly #upstreams: Upstreams;

  constructor(context: ManagementContext, upstreams: Upstreams) {
    this.#context = context;
    this.#upstreams = upstreams;
  }

  show(entry: UpstreamEntry): Upstream {
    return upstreamMessage(entry, this.#context.directory.failCounts.get(entry.record.id));
  }

  /** The order of tries is not that of ids: a page begins behind the turn of the last one. */
  list(request: ListUpstreamsRequest): ListUpstreamsResponse {
    const problems = new FieldProblems();
    const { afterId, size } = readPage(request, problems);
    problems.throwIfAny();
    const rest = this.#context.directory.view.upstreamsInOrder.filter((entry) => turnOf(entry) > afterId);
    const { items, nextPageToken } = cutPage(rest, size, turnOf);
    return { upstreams: items.map((entry) => this.show(entry)), nextPageToken };
  }

  async create({ upstream: wanted, accessUri, requestId }: CreateUpstreamRequest): Promise<Upstream> {
    const problems = new FieldProblems();
    const guard = readRequestId("CreateUpstream", requestId, problems);
    const draft = {
      id: wanted?.id ?? "",
      host: wanted?.host ?? "",
      udpHost: wanted?.udpHost ?? "",
      port: wanted?.port ?? 0,
      method: wanted?.method ?? "",
      secret: wanted?.secret ?? "",
      displayName: wanted?.displayName ?? "",
    };
    return this.show(await this.#upstreams.create(draft, accessUri, guard, problems));
  }
}
