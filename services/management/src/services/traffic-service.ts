import {
  type GetTrafficRequest,
  type Handlers,
  type ListTrafficBucketsRequest,
  type ListTrafficRequest,
  type ListTrafficResponse,
  RpcError,
  type Traffic,
  type TrafficBucket,
  type TrafficServiceServer,
} from "@shadowfleet/control-api";
import { HOUR_MS, KEPT_HOURS, type TrafficSubject, type TrafficTotals } from "@shadowfleet/store";
import type { ManagementContext } from "../context.ts";
import { FieldProblems } from "../domain/field-problems.ts";
import { cutPage, readPage, readTime } from "./requests.ts";
import { TrafficExport } from "./traffic-export.ts";
import { bytesMessage, trafficMessage } from "./traffic-messages.ts";
import { TrafficWatch } from "./traffic-watch.ts";

const DAY_MS = 24 * HOUR_MS;

/** Implements TrafficService. */
export function trafficService(context: ManagementContext, handlers: Handlers): TrafficServiceServer {
  const service = new TrafficCalls(context);
  return {
    getTraffic: handlers.unary(async (request) => ({ traffic: await service.get(request) })),
    listTraffic: handlers.unary((request) => service.list(request)),
    watchTraffic: handlers.serverStream((request, stream, call) => new TrafficWatch(context, stream, call.signal).run(request)),
    listTrafficBuckets: handlers.unary(async (request) => ({ buckets: await service.buckets(request) })),
    exportTraffic: handlers.serverStream((request, stream, call) => new TrafficExport(context, stream, call.signal).run(request)),
    resetTraffic: handlers.unary(async ({ accessKeyId }) => ({ traffic: await service.reset(accessKeyId) })),
  };
}

class TrafficCalls {
  readonly #context: ManagementContext;

  constructor(context: ManagementContext) {
    this.#context = context;
  }

  async get({ subject }: GetTrafficRequest): Promise<Traffic> {
    const wanted = readSubject(subject);
    const totals = await this.#context.store.readTraffic(wanted);
    if (isZero(totals) && !this.#isKnown(wanted)) throw new RpcError("NOT_FOUND", "there is no such subject, and it never relayed a byte");
    return trafficMessage(totals);
  }

  async list(request: ListTrafficRequest): Promise<ListTrafficResponse> {
    const problems = new FieldProblems();
    const { afterId, size } = readPage(request, problems);
    problems.throwIfAny();
    const found = await this.#context.store.listTraffic(afterId, size + 1);
    const { items, nextPageToken } = cutPage(found, size, ({ subject }) => subject);
    return { traffic: items.map(trafficMessage), nextPageToken };
  }

  async buckets({ accessKeyId, startTime, endTime }: ListTrafficBucketsRequest): Promise<TrafficBucket[]> {
    const problems = new FieldProblems();
    const nowMs = this.#context.clock.now();
    const toMs = readTime(endTime, "end_time", problems) ?? nowMs;
    const fromMs = readTime(startTime, "start_time", problems) ?? toMs - DAY_MS;
    problems.require(accessKeyId !== "", "access_key_id", "says whose traffic");
    problems.require(fromMs < toMs, "start_time", "must be before end_time");
    problems.throwIfAny();
    this.#requireKnown(accessKeyId, await this.#context.store.readTraffic({ kind: "key", id: accessKeyId }));
    // Nothing older is kept, so a far start only costs.
    const firstMs = Math.max(fromMs - modulo(fromMs, HOUR_MS), nowMs - (KEPT_HOURS + 1) * HOUR_MS);
    const buckets = await this.#context.store.readBuckets(accessKeyId, firstMs, toMs);
    return buckets.map(({ hourMs, bytes }) => ({ startTime: new Date(hourMs), bytes: bytesMessage(bytes) }));
  }

  async reset(accessKeyId: string): Promise<Traffic> {
    const { store, clock } = this.#context;
    this.#requireKnown(accessKeyId, await store.readTraffic({ kind: "key", id: accessKeyId }));
    return trafficMessage(await store.resetTraffic(accessKeyId, clock.now()));
  }

  #requireKnown(keyId: string, totals: TrafficTotals): void {
    if (isZero(totals) && !this.#isKnown({ kind: "key", id: keyId })) throw new RpcError("NOT_FOUND", `there is no access key "${keyId}"`);
  }

  /** Members come and go, so any id passes; a key or port that does not exist and never did is most likely a slip. */
  #isKnown(subject: TrafficSubject): boolean {
    const { view } = this.#context.directory;
    if (subject.kind === "key") return view.keys.has(subject.id);
    return subject.kind === "port" ? view.ports.has(subject.port) : true;
  }
}

function readSubject(wanted: GetTrafficRequest["subject"]): TrafficSubject {
  const subject = wanted?.subject;
  if (!subject) return { kind: "fleet" };
  const problems = new FieldProblems();
  if (subject.$case === "port")
    problems.require(subject.value >= 1 && subject.value <= 0xffff, "subject.port", "must be a port number from 1 to 65535");
  else
    problems.require(
      subject.value !== "",
      subject.$case === "memberId" ? "subject.member_id" : "subject.access_key_id",
      "must not be empty",
    );
  problems.throwIfAny();
  if (subject.$case === "port") return { kind: "port", port: subject.value };
  return { kind: subject.$case === "memberId" ? "member" : "key", id: subject.value };
}

function isZero({ total: { tcpUp, tcpDown, udpUp, udpDown } }: TrafficTotals): boolean {
  return tcpUp + tcpDown + udpUp + udpDown === 0;
}

/** Also right before 1970. */
function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
