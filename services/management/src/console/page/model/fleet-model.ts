import type { Api } from "../api/connect.ts";
import {
  type AccessKey,
  type Fleet,
  type PickExplanation,
  type Port,
  type Session,
  type Traffic,
  type Upstream,
  upDown,
} from "../api/messages.ts";
import { EventLog } from "./event-log.ts";
import { RateMeter } from "./rate-meter.ts";

export type Section = "keys" | "sessions" | "relays" | "upstreams" | "events";

const PAGE_SIZE = 1_000;
/** More sessions than this are counted but not listed. */
const MAX_SESSION_PAGES = 5;

interface Paged {
  readonly nextPageToken?: string;
}

/** What is known of the fleet. Lists are undefined until they were read once. */
export class FleetModel {
  readonly rate = new RateMeter();
  /** By access key id. */
  readonly traffic = new Map<string, { readonly meter: RateMeter; up: number; down: number }>();
  fleet: Fleet | undefined;
  keys: readonly AccessKey[] | undefined;
  sessions: readonly Session[] | undefined;
  /** There are more than `sessions` has. */
  hasMoreSessions = false;
  sessionsOfKey: ReadonlyMap<string, readonly Session[]> = new Map();
  ports: readonly Port[] | undefined;
  upstreams: readonly Upstream[] | undefined;
  explanations: ReadonlyMap<string, PickExplanation> = new Map();
  readonly events: EventLog;
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
    this.events = new EventLog(api);
  }

  /** Reads what the section shows, and what stands above every section. Throws ApiError. */
  async refresh(section: Section): Promise<void> {
    const common = [this.#readFleet(), this.#readTotals(), this.#readUpstreams()];
    const own: Readonly<Record<Section, () => Promise<void>[]>> = {
      keys: () => [this.#readKeys(), this.#readTraffic(), this.#readSessions()],
      sessions: () => [this.#readSessions(), this.#readKeys()],
      relays: () => [this.#readPorts()],
      upstreams: () => [this.#readExplanations()],
      events: () => [this.events.read()],
    };
    await Promise.all([...common, ...own[section]()]);
  }

  key(id: string): AccessKey | undefined {
    return this.keys?.find((key) => key.id === id);
  }

  async #readFleet(): Promise<void> {
    this.fleet = await this.#api.call<Fleet>("FleetService", "GetFleet");
  }

  async #readTotals(): Promise<void> {
    const { traffic } = await this.#api.call<{ traffic?: Traffic }>("TrafficService", "GetTraffic");
    this.rate.add(performance.now(), upDown(traffic?.total));
  }

  async #readUpstreams(): Promise<void> {
    this.upstreams = await this.#readAll<Upstream, "upstreams">("UpstreamService", "ListUpstreams", "upstreams");
  }

  async #readKeys(): Promise<void> {
    this.keys = await this.#readAll<AccessKey, "accessKeys">("AccessKeyService", "ListAccessKeys", "accessKeys");
  }

  async #readTraffic(): Promise<void> {
    const all = await this.#readAll<Traffic, "traffic">("TrafficService", "ListTraffic", "traffic");
    const now = performance.now();
    for (const { subject = "", total } of all) {
      const { up, down } = upDown(total);
      const known = this.traffic.get(subject) ?? { meter: new RateMeter(), up, down };
      known.meter.add(now, { up, down });
      this.traffic.set(subject, Object.assign(known, { up, down }));
    }
  }

  async #readSessions(): Promise<void> {
    const pages: Session[] = [];
    let pageToken = "";
    for (let page = 0; page < MAX_SESSION_PAGES; page++) {
      const request = { pageSize: PAGE_SIZE, pageToken };
      const answer = await this.#api.call<Paged & { sessions?: Session[] }>("SessionService", "ListSessions", request);
      pages.push(...(answer.sessions ?? []));
      pageToken = answer.nextPageToken ?? "";
      if (pageToken === "") break;
    }
    this.sessions = pages;
    this.hasMoreSessions = pageToken !== "";
    this.sessionsOfKey = Map.groupBy(pages, ({ accessKeyId = "" }) => accessKeyId);
  }

  async #readPorts(): Promise<void> {
    this.ports = await this.#readAll<Port, "ports">("PortService", "ListPorts", "ports");
  }

  async #readExplanations(): Promise<void> {
    const answer = await this.#api.call<{ explanations?: PickExplanation[] }>("UpstreamService", "ExplainPick");
    this.explanations = new Map((answer.explanations ?? []).map((one) => [one.upstreamId ?? "", one]));
  }

  async #readAll<Item, Name extends string>(service: string, method: string, name: Name): Promise<Item[]> {
    const items: Item[] = [];
    let pageToken = "";
    do {
      const request = { pageSize: PAGE_SIZE, pageToken };
      const answer = await this.#api.call<Paged & { [name in Name]?: Item[] }>(service, method, request);
      items.push(...((answer[name] as Item[] | undefined) ?? []));
      pageToken = answer.nextPageToken ?? "";
    } while (pageToken !== "");
    return items;
  }
}
