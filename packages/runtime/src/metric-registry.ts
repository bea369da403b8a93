/** How an instrument gets its values: `counter` and `histogram` are fed once an event, `observed-*` are read from plain fields at scrape time. */
export type MetricKind = "counter" | "histogram" | "observed-counter" | "observed-gauge";

export interface MetricEntry<Kind extends MetricKind = MetricKind> {
  readonly kind: Kind;
  /** UCUM unit; the unit word is also in the name, so that scrape and OTLP give the same series (docs/adr). */
  readonly unit: string;
  readonly description: string;
  /** Every attribute the metric may carry. Never a client address, target host or secret. */
  readonly attributes: readonly string[];
  /** Histogram bucket bounds, in the unit. */
  readonly buckets?: readonly number[];
}

const metric = <Kind extends MetricKind>(
  kind: Kind,
  unit: string,
  description: string,
  attributes: readonly string[] = [],
  buckets?: readonly number[],
): MetricEntry<Kind> => (buckets ? { kind, unit, description, attributes, buckets } : { kind, unit, description, attributes });

const LIFETIME_BUCKETS = [0.05, 0.25, 1, 5, 15, 60, 300, 900, 3600];
const LATENCY_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
// A store on the same network answers in a fraction of a millisecond; a call to it is given up after about a second.
const STORE_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/**
 * Every metric of the fleet: code makes its instruments from this table, `docs/metrics.md` is generated from it, dashboards and rules may use
 * no other name. `network.transport` is tcp or udp; `network.io.direction` is up (client to target) or down.
 */
export const METRICS = {
  "shadowsocks.connections": metric("counter", "{connection}", "Client connections ended, by outcome: OK or an error code", [
    "network.transport",
    "outcome",
  ]),
  "shadowsocks.connections.active": metric("observed-gauge", "{connection}", "Client connections open now", ["network.transport"]),
  "shadowsocks.connection.duration.seconds": metric(
    "histogram",
    "s",
    "Lifetime of accepted client connections",
    ["network.transport"],
    LIFETIME_BUCKETS,
  ),
  "shadowsocks.relay.bytes": metric("observed-counter", "By", "Payload bytes relayed, without headers and encryption", [
    "network.transport",
    "network.io.direction",
  ]),
  "shadowsocks.udp.packets": metric("observed-counter", "{packet}", "Datagrams handled, by outcome: OK or an error code", [
    "network.io.direction",
    "outcome",
  ]),
  "shadowsocks.udp.sessions.active": metric("observed-gauge", "{session}", "UDP sessions open now"),
  "shadowsocks.handshake.failures": metric("counter", "{connection}", "Connections whose handshake failed", ["error.type"]),
  "shadowsocks.handshake.duration.seconds": metric("histogram", "s", "Accept to authenticated target address", [], LATENCY_BUCKETS),
  "shadowsocks.strangers.active": metric("observed-gauge", "{connection}", "TCP connections open now that have shown no key (yet)"),
  "shadowsocks.strangers.displaced": metric(
    "observed-counter",
    "{connection}",
    "TCP connections without a key ended to make room for newer ones, by the limit reached: source or total",
    ["limit"],
  ),
  "shadowsocks.replay.filter.entries": metric("observed-gauge", "{salt}", "Salts remembered by the replay filter"),
  "shadowsocks.replay.shared.claims": metric(
    "counter",
    "{salt}",
    "Salts looked up in the set that relays share, by outcome: OK when new, or an error code",
    ["outcome"],
  ),
  "shadowsocks.dial.duration.seconds": metric(
    "histogram",
    "s",
    "Time to reach a target or upstream, by result: OK or an error code",
    ["error.type"],
    LATENCY_BUCKETS,
  ),
  "shadowsocks.listener.pauses": metric("counter", "{pause}", "Times accepting paused because descriptors or the connection cap ran out"),
  "shadowsocks.upstream.picks": metric("counter", "{pick}", "Upstream tries by the gateway's picker", ["upstream", "result"]),
  "shadowsocks.upstream.fail.count": metric("observed-gauge", "{failure}", "failCnt of each upstream, 0 to 30", ["upstream"]),
  "fleet.ports.bound": metric("observed-gauge", "{port}", "Listening ports bound now"),
  "fleet.ports.failed": metric("observed-gauge", "{port}", "Configured ports that could not be bound"),
  "fleet.keys.active": metric("observed-gauge", "{key}", "Access keys in force"),
  "fleet.config.reloads": metric("counter", "{reload}", "Configuration reloads, by result: OK or an error code", ["outcome"]),
  "fleet.config.revision": metric("observed-gauge", "1", "Newest configuration revision this process knows"),
  "fleet.config.watchers": metric("observed-gauge", "{stream}", "Configuration streams open to relays and gateways"),
  "fleet.config.conflicts": metric("observed-gauge", "{resource}", "Resources that cannot serve, or that declared ones hide"),
  "fleet.management.connected": metric("observed-gauge", "1", "1 while management streams configuration to this relay or gateway, else 0"),
  "fleet.management.disconnects": metric("counter", "{disconnect}", "Times a relay or gateway lost its configuration stream"),
  "fleet.traffic.flushes": metric("counter", "{flush}", "Batches of counted traffic sent to the store, by result: OK or an error code", [
    "outcome",
  ]),
  "fleet.traffic.unflushed.bytes": metric("observed-gauge", "By", "Payload bytes counted here that the store has not acknowledged yet"),
  "fleet.limits.keys": metric("observed-gauge", "{key}", "Access keys with limits that are in use on this relay"),
  "fleet.limits.leased.bytes": metric("observed-gauge", "By", "Bytes of quotas leased to this relay that it has not used"),
  "fleet.limits.exchanges": metric(
    "counter",
    "{call}",
    "Calls that tell the store of limits and hear what is left, by result: OK or an error code",
    ["outcome"],
  ),
  "fleet.limits.claims": metric("counter", "{session}", "Sessions that asked the store for a place, by result: OK or an error code", [
    "outcome",
  ]),
  "fleet.limits.refusals": metric(
    "observed-counter",
    "{session}",
    "Sessions refused or ended for their access key's limits, by error code",
    ["outcome"],
  ),
  "fleet.limits.pauses": metric("observed-counter", "{pause}", "Times a TCP session was stopped to wait for its key's rate or quota", [
    "network.io.direction",
  ]),
  "fleet.limits.unchecked": metric(
    "observed-gauge",
    "1",
    "1 while keys with limits are in use and the store does not answer for them, else 0",
  ),
  "fleet.limits.unchecked.bytes": metric(
    "observed-counter",
    "By",
    "Payload bytes relayed beyond what the store had leased while it did not answer",
  ),
  "fleet.store.available": metric("observed-gauge", "1", "1 while the shared store answers, else 0"),
  "fleet.webhook.deliveries": metric("counter", "{try}", "Tries to deliver an event, by webhook and result: OK or an error code", [
    "webhook",
    "outcome",
  ]),
  "fleet.webhook.lag.seconds": metric("observed-gauge", "s", "Age of the event a webhook waits for; 0 when it has them all", ["webhook"]),
  "fleet.members": metric("observed-gauge", "{member}", "Relays and gateways that report", ["kind"]),
  "rpc.server.call.duration.seconds": metric(
    "histogram",
    "s",
    "Calls of the management API, streams from first to last message, by status name",
    ["rpc.method", "rpc.status_code"],
    LATENCY_BUCKETS,
  ),
  "http.server.requests": metric("counter", "{request}", "Requests to management over HTTP that have ended, by door and status", [
    "door",
    "http.response.status_code",
  ]),
  "http.server.limits.broken": metric("counter", "{event}", "Connections and requests over HTTP refused for breaking a limit", ["limit"]),
  "rpc.server.limits.broken": metric("counter", "{event}", "Connections and calls of the management API cut for breaking a limit", [
    "limit",
  ]),
  "rpc.client.call.duration.seconds": metric(
    "histogram",
    "s",
    "Calls of a relay or gateway to management, streams from first to last message, by status name",
    ["rpc.method", "rpc.status_code"],
    LATENCY_BUCKETS,
  ),
  "db.client.operation.duration.seconds": metric(
    "histogram",
    "s",
    "Operations on the shared store, by command or script name and result: OK or an error code",
    ["db.operation.name", "error.type"],
    STORE_BUCKETS,
  ),
  "fleet.config.age.seconds": metric(
    "observed-gauge",
    "s",
    "Time since this relay or gateway last heard management, which speaks every 5 s; since its start if never",
  ),
  "fleet.draining": metric("observed-gauge", "1", "1 while the process drains before it stops, else 0"),
  "fleet.tls.certificate.not.after.seconds": metric(
    "observed-gauge",
    "s",
    "When the certificate of management's API ends, seconds since 1970",
  ),
  "fleet.redis.memory.bytes": metric("observed-gauge", "By", "Memory Redis uses for data", ["redis.node"]),
  "fleet.redis.memory.limit.bytes": metric("observed-gauge", "By", "Memory Redis may use; 0: no limit", ["redis.node"]),
  "fleet.redis.clients": metric("observed-gauge", "{client}", "Clients connected to Redis", ["redis.node"]),
  "fleet.redis.commands": metric("observed-counter", "{command}", "Commands Redis has processed", ["redis.node"]),
  "fleet.redis.keys": metric("observed-gauge", "{key}", "Keys in the Redis database the fleet uses", ["redis.node"]),
  "fleet.redis.uptime.seconds": metric("observed-gauge", "s", "Time since Redis started", ["redis.node"]),
  "fleet.redis.aof.ok": metric("observed-gauge", "1", "1 while Redis keeps an append-only file and its last write succeeded, else 0", [
    "redis.node",
  ]),
  "fleet.redis.replicas": metric("observed-gauge", "{replica}", "Replicas connected to this Redis node", ["redis.node"]),
  "fleet.workers": metric("observed-gauge", "{process}", "Processes of this relay or gateway that serve: 1, or its workers"),
  "fleet.plugin.exits": metric("counter", "{process}", "Processes of SIP003 plugins that ended unasked and were started again", ["plugin"]),
  "fleet.worker.exits": metric("counter", "{process}", "Worker processes that ended unasked and were replaced"),
  "fleet.clock.seconds": metric(
    "observed-gauge",
    "s",
    "The wall clock of this process, seconds since 1970; SIP022 refuses what is 30 s off",
  ),
  "fleet.aead.backend": metric("observed-gauge", "1", "1, labelled with what encrypts in this process: native or node:crypto", ["backend"]),
  "fleet.build.info": metric("observed-gauge", "1", "1, labelled with what runs", ["version"]),

  // The process, under the names Prometheus clients have always given them.
  "process.cpu.seconds": metric("observed-counter", "s", "User and system CPU time used"),
  "process.resident.memory.bytes": metric("observed-gauge", "By", "Resident memory"),
  "process.open.fds": metric("observed-gauge", "{fd}", "File descriptors open now (Linux only)"),
  "process.max.fds": metric("observed-gauge", "{fd}", "Most file descriptors the process may open (Linux only)"),
  "process.start.time.seconds": metric("observed-gauge", "s", "When the process started, seconds since 1970"),
} as const satisfies Record<string, MetricEntry>;

export type MetricName = keyof typeof METRICS;
export type NameOfKind<K extends MetricKind> = { [N in MetricName]: (typeof METRICS)[N]["kind"] extends K ? N : never }[MetricName];
export type CounterName = NameOfKind<"counter">;
export type HistogramName = NameOfKind<"histogram">;
export type ObservedName = NameOfKind<"observed-counter" | "observed-gauge">;
