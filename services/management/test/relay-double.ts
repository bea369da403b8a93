import {
  type ConfigDelta,
  type ConfigKey,
  type ConfigPort,
  type ConfigServiceClient,
  type ConfigSnapshot,
  type Heartbeat,
  type Member,
  type MemberCommand,
  MemberKind,
  type OldSecretUse,
  type PortStatus,
  type WatchConfigResponse,
} from "@shadowfleet/control-api";
import { eventually } from "@shadowfleet/testkit";
import { call, member } from "./management-fixture.ts";

interface EventValues {
  readonly snapshot: ConfigSnapshot;
  readonly delta: ConfigDelta;
  readonly command: MemberCommand;
  readonly heartbeat: Heartbeat;
}

/** A member that listens to WatchConfig and keeps what it is told, and reports what a test wants it to. `using` cancels the stream. */
export class MemberDouble implements Disposable {
  readonly messages: WatchConfigResponse[] = [];
  /** When each message came, on the monotonic clock. */
  readonly times: number[] = [];
  readonly keys = new Map<string, ConfigKey>();
  readonly ports = new Map<number, ConfigPort>();
  /** Code of the error that ended the stream. */
  ended: number | undefined;
  /** How it answers a port it is given; default bound. */
  bind: (port: number) => Omit<PortStatus, "port"> = () => ({ bound: true, error: "" });
  readonly #client: ConfigServiceClient;
  readonly #identity: Member;
  readonly #stream: ReturnType<ConfigServiceClient["watchConfig"]>;
  #isReporting = false;
  #snapshotParts: ConfigSnapshot[] = [];

  constructor(
    client: ConfigServiceClient,
    identity: Member,
    known: { readonly revision: bigint; readonly generation: string } = { revision: 0n, generation: "" },
  ) {
    this.#client = client;
    this.#identity = identity;
    this.#stream = client.watchConfig({ member: identity, knownRevision: known.revision, knownGeneration: known.generation });
    this.#stream.on("data", (message: WatchConfigResponse) => this.#take(message));
    this.#stream.on("error", (error: { code?: number }) => {
      this.ended = error.code;
    });
    this.#stream.on("end", () => {
      this.ended ??= 0;
    });
  }

  get last(): WatchConfigResponse | undefined {
    return this.messages.at(-1);
  }

  get place(): { readonly revision: bigint; readonly generation: string } {
    return { revision: this.last?.revision ?? 0n, generation: this.last?.generation ?? "" };
  }

  /** Every event of that kind so far. */
  events<Kind extends keyof EventValues>(kind: Kind): EventValues[Kind][] {
    return this.messages.flatMap(({ event }) => (event?.$case === kind ? [event.value as EventValues[Kind]] : []));
  }

  async until(what: string, isSo: () => boolean, deadlineMs?: number): Promise<void> {
    await eventually(`${what}; got ${this.messages.length} messages`, isSo, deadlineMs);
  }

  /** Reports after everything it is told, from now on. */
  async startReporting(): Promise<void> {
    this.#isReporting = true;
    await this.report();
  }

  async report(oldSecretUses: OldSecretUse[] = []): Promise<void> {
    const ports = [...this.ports.keys()].map((port) => ({ port, ...this.bind(port) }));
    const identity = { ...this.#identity, appliedRevision: this.place.revision };
    await call(this.#client, "reportStatus", { member: identity, ports, oldSecretUses });
  }

  [Symbol.dispose](): void {
    this.#isReporting = false;
    this.#stream.cancel();
  }

  #take(message: WatchConfigResponse): void {
    this.messages.push(message);
    this.times.push(performance.now());
    if (message.event?.$case === "snapshot") this.#takeSnapshot(message.event.value);
    if (message.event?.$case === "delta") this.#takeDelta(message.event.value);
    if (this.#isReporting) void this.report().catch(() => undefined);
  }

  #takeSnapshot(part: ConfigSnapshot): void {
    this.#snapshotParts.push(part);
    if (part.more) return;
    this.keys.clear();
    this.ports.clear();
    for (const { ports, keys } of this.#snapshotParts) {
      for (const port of ports) this.ports.set(port.port, port);
      for (const key of keys) this.keys.set(key.id, key);
    }
    this.#snapshotParts = [];
  }

  #takeDelta({ ports, removedPorts, keys, removedKeys }: ConfigDelta): void {
    for (const port of removedPorts) this.ports.delete(port);
    for (const id of removedKeys) this.keys.delete(id);
    for (const port of ports) this.ports.set(port.port, port);
    for (const key of keys) this.keys.set(key.id, key);
  }
}

/** A relay that reports every port it is told of. */
export async function startRelayDouble(
  client: ConfigServiceClient,
  id = "relay-1",
  kind: MemberKind = MemberKind.MEMBER_KIND_TCP_RELAY,
): Promise<MemberDouble> {
  const relay = new MemberDouble(client, member(id, kind));
  await relay.until("a snapshot", () => relay.messages.length > 0);
  await relay.startReporting();
  return relay;
}
