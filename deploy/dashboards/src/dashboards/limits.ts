import { BytesIEC, CountsPerSecond, PacketsPerSecond, RequestsPerSecond, Short } from "@grafana/grafana-foundation-sdk/units";
import { dashboard } from "../dashboard.ts";
import { SERVICE_AND_PROCESS } from "../panels/legends.ts";
import { query } from "../panels/panel.ts";
import { stat } from "../panels/stat.ts";
import { timeseries } from "../panels/timeseries.ts";
import { gauge, increase, max, rate, sum } from "../promql/expressions.ts";
import { anyOf } from "../promql/series.ts";
import { RELAYS, UDP_RELAY } from "../promql/services.ts";

export function limits() {
  return dashboard({
    name: "limits",
    title: "Limits",
    description: "Whom do quotas, rates and numbers of sessions and devices hold back, and are they looked up at all?",
    top: [
      stat({
        title: "Keys with limits in use",
        description: "At the relay that has most. Zero while people with limits are connected is bad: nobody is limited.",
        unit: Short,
        query: query(max(gauge("fleet.limits.keys", RELAYS)), "keys"),
      }),
      stat({
        title: "Refused or ended",
        description: "Sessions in the shown range. A multiple of yesterday's is bad: many people run into what they were given.",
        unit: Short,
        query: query(sum(increase("fleet.limits.refusals", RELAYS)), "sessions"),
        isTotal: true,
      }),
      stat({
        title: "Relays without answers",
        description: "Those that have keys with limits in use and get no word from the store. Any is bad.",
        unit: Short,
        query: query(sum(gauge("fleet.limits.unchecked", RELAYS)), "relays"),
      }),
    ],
    rows: [
      {
        title: "Who is held back",
        panels: [
          timeseries({
            title: "Sessions refused or ended for limits",
            description: "By limit. LIMITS_UNCHECKED is bad: the store did not answer, and relays are told to refuse then.",
            unit: CountsPerSecond,
            stacked: true,
            queries: [query(sum(rate("fleet.limits.refusals", RELAYS), "outcome"), "{{outcome}}")],
          }),
          timeseries({
            title: "Streams held back",
            description:
              "Times a TCP stream waits for its key's rate or quota. Many without a key at its rate are bad: leases come too late.",
            unit: CountsPerSecond,
            queries: [query(sum(rate("fleet.limits.pauses", RELAYS), "network.io.direction"), "{{network_io_direction}}")],
          }),
          timeseries({
            title: "Datagrams dropped for limits",
            description:
              "Beyond a key's rate or quota. Programs slow down when datagrams are lost: a steady stream of them is bad for that key.",
            unit: PacketsPerSecond,
            stacked: true,
            queries: [
              query(
                sum(rate("shadowsocks.udp.packets", { ...UDP_RELAY, outcome: anyOf(["RATE_LIMITED", "QUOTA_EXHAUSTED"]) }), "outcome"),
                "{{outcome}}",
              ),
            ],
          }),
          timeseries({
            title: "Keys with limits in use by relay",
            description: "A relay that has none while the others have some is bad: it has missed a change, or gets no clients.",
            unit: Short,
            queries: [query(gauge("fleet.limits.keys", RELAYS), SERVICE_AND_PROCESS)],
          }),
        ],
      },
      {
        title: "Relays and the store",
        panels: [
          timeseries({
            title: "Exchanges with the store",
            description: "A few a second for each relay with keys in use, by result. Anything but OK is bad: limits are not looked up.",
            unit: RequestsPerSecond,
            queries: [query(sum(rate("fleet.limits.exchanges", RELAYS), "outcome"), "{{outcome}}")],
          }),
          timeseries({
            title: "Places asked for",
            description: "By sessions of keys with limits on sessions or devices. LIMITS_UNCHECKED is bad: no answer within 250 ms.",
            unit: RequestsPerSecond,
            queries: [query(sum(rate("fleet.limits.claims", RELAYS), "outcome"), "{{outcome}}")],
          }),
          timeseries({
            title: "Quotas leased and not used",
            description: "About two seconds of traffic of keys with quotas. Megabytes at a relay at rest are bad: others wait for them.",
            unit: BytesIEC,
            queries: [query(gauge("fleet.limits.leased.bytes", RELAYS), SERVICE_AND_PROCESS)],
          }),
          timeseries({
            title: "Relayed unchecked",
            description:
              "Bytes a second beyond what was leased, while the store did not answer. Any is bad: quotas do not hold until it does.",
            unit: BytesIEC,
            queries: [query(rate("fleet.limits.unchecked.bytes", RELAYS), SERVICE_AND_PROCESS)],
          }),
        ],
      },
    ],
  });
}
