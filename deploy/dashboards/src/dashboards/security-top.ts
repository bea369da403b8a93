import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { PercentUnit, Short } from "@grafana/grafana-foundation-sdk/units";
import { query } from "../panels/panel.ts";
import { stat } from "../panels/stat.ts";
import { text } from "../panels/text.ts";
import { PROBE_CODES, REFUSED_CODES } from "../promql/codes.ts";
import { increase, observationRate, orZero, rate, sum } from "../promql/expressions.ts";
import { anyOf } from "../promql/series.ts";
import { GATEWAY, TCP_RELAY, UDP_RELAY } from "../promql/services.ts";

const SILENCE = `Whoever comes without a key hears nothing: the relay reads and discards until the peer leaves or \`timeouts.handshake\` is over, whatever
was wrong (docs/adr/0005-silence.md). So strangers do not show as errors of service, only here, and never with an address: those are in debug logs.

**AUTH_FAILED** no key opens the bytes · **REPLAYED** seen before · **TOO_SHORT**, **HANDSHAKE_TIMEOUT**, **CLOSED_IN_HANDSHAKE** nothing
complete came; health checks of load balancers look like this · **BAD_TIMESTAMP** a clock is wrong · **TARGET_FORBIDDEN** a client with a key wanted
an address the target guard refuses.`;

export function securityTop(): Builder<Panel>[] {
  return [
    stat({
      title: "Wrong keys",
      description: "TCP handshakes at the relays that no key opens, in the shown range. Far more than usual is bad.",
      unit: Short,
      query: query(sum(increase("shadowsocks.handshake.failures", { ...TCP_RELAY, "error.type": "AUTH_FAILED" })), "wrong keys"),
      isTotal: true,
    }),
    stat({
      title: "Replays",
      description: "TCP handshakes seen before, in the shown range. Our clients never repeat one: any number above a few is bad.",
      unit: Short,
      query: query(sum(increase("shadowsocks.handshake.failures", { ...TCP_RELAY, "error.type": "REPLAYED" })), "replays"),
      isTotal: true,
    }),
    stat({
      title: "Probes",
      description: "Connections of strangers in the shown range, of whatever kind. Compare with yesterday: a multiple is bad.",
      unit: Short,
      query: query(sum(increase("shadowsocks.handshake.failures", { ...TCP_RELAY, "error.type": anyOf(PROBE_CODES) })), "probes"),
      isTotal: true,
    }),
    stat({
      title: "Refused targets",
      description:
        "Dials and datagrams the target guard refused, in the shown range. Many are bad: a key in the hands of someone who scans your network.",
      unit: Short,
      query: query(
        `(${orZero(sum(increase("shadowsocks.connections", { ...TCP_RELAY, outcome: "TARGET_FORBIDDEN" })))}) + (${orZero(sum(increase("shadowsocks.udp.packets", { ...UDP_RELAY, outcome: "TARGET_FORBIDDEN" })))})`,
        "refused",
      ),
      isTotal: true,
    }),
    stat({
      title: "Gateway logins refused",
      description: "Wrong or missing proxy passwords in the shown range. Many are bad: someone tries passwords.",
      unit: Short,
      query: query(orZero(sum(increase("shadowsocks.handshake.failures", { ...GATEWAY, "error.type": "PROXY_AUTH_FAILED" }))), "refused"),
      isTotal: true,
    }),
    stat({
      title: "Handshakes refused",
      description: "Share of TCP handshakes at the relays refused for key, clock or form. Above a half is bad: clients do not get in.",
      unit: PercentUnit,
      query: query(
        `${sum(rate("shadowsocks.handshake.failures", { ...TCP_RELAY, "error.type": anyOf(REFUSED_CODES) }))} / (${sum(rate("shadowsocks.handshake.failures", { ...TCP_RELAY, "error.type": anyOf(REFUSED_CODES) }))} + ${sum(observationRate("shadowsocks.handshake.duration.seconds", TCP_RELAY))})`,
        "refused",
      ),
      bad: { from: 0.5 },
    }),
    text({
      title: "How to read this",
      description: "What the codes mean and why strangers are silent here. Nothing in this text can be bad.",
      width: 24,
      height: 5,
      markdown: SILENCE,
    }),
  ];
}
