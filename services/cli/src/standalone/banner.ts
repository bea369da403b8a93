import { toString as toQrCode } from "qrcode";

export interface BannerFacts {
  readonly accessUri: string;
  readonly proxyHost: string;
  readonly proxyPort: number;
  readonly pageUrl: string;
  readonly managementPort: number;
  /** 0 where HTTP is off. */
  readonly httpPort: number;
  readonly loopbackTargets: boolean;
}

const bracketed = (host: string): string => (host.includes(":") ? `[${host}]` : host);

/** What `npm start` shows once everything is up: one line begins with "ss://", one with "curl ". */
export async function bannerText(facts: BannerFacts): Promise<string> {
  const proxyHost = facts.proxyHost === "::" ? "[::1]" : facts.proxyHost === "0.0.0.0" ? "127.0.0.1" : bracketed(facts.proxyHost);
  const qrCode = await toQrCode(facts.accessUri, { type: "utf8", errorCorrectionLevel: "M" });
  return [
    "",
    "Shadowfleet is up: gateway, tcp-relay, udp-relay and management in one process. Ctrl-C drains and stops.",
    "",
    "Demo access key, for any Shadowsocks client:",
    "",
    facts.accessUri,
    "",
    qrCode,
    `SOCKS5, SOCKS4a and HTTP proxy for applications: ${proxyHost}:${facts.proxyPort}. Try it:`,
    "",
    `curl -x socks5h://${proxyHost}:${facts.proxyPort} ${facts.pageUrl}`,
    "",
    `Make a key for somebody else: npx shadowfleet key create alice${facts.managementPort === 9190 ? "" : ` --server 127.0.0.1:${facts.managementPort}`}`,
    "",
    ...(facts.httpPort === 0 ? [] : [`Console, key documents and REST APIs: http://127.0.0.1:${facts.httpPort}/console/`, ""]),
    ...(facts.loopbackTargets
      ? [
          "Note: for this demonstration the relays may reach loopback addresses of this machine; outside standalone mode they refuse that.",
          "",
        ]
      : []),
  ].join("\n");
}
