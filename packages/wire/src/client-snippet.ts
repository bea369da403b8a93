import type { OnlineServer } from "./online-config.ts";

/** What other programs' configurations need of a server. */
export type SnippetServer = Pick<OnlineServer, "remarks" | "host" | "port" | "method" | "password">;

/** A `proxies` list as Clash and mihomo read it (wiki.metacubex.one, "Shadowsocks"). Scalars are JSON texts, which YAML 1.2 reads as they are. */
export function formatClashProxies(servers: readonly SnippetServer[]): string {
  const named = namesOf(servers);
  const proxies = servers.flatMap(({ host, port, method, password }, index) => [
    `  - name: ${JSON.stringify(named[index])}`,
    "    type: ss",
    `    server: ${JSON.stringify(host)}`,
    `    port: ${port}`,
    `    cipher: ${JSON.stringify(method)}`,
    `    password: ${JSON.stringify(password)}`,
    "    udp: true",
  ]);
  return `${["proxies:", ...proxies].join("\n")}\n`;
}

/** An `outbounds` list as sing-box reads it (sing-box.sagernet.org, "Shadowsocks outbound"). */
export function formatSingBoxOutbounds(servers: readonly SnippetServer[]): string {
  const named = namesOf(servers);
  const outbounds = servers.map(({ host, port, method, password }, index) => ({
    type: "shadowsocks",
    tag: named[index],
    server: host,
    server_port: port,
    method,
    password,
  }));
  return `${JSON.stringify({ outbounds }, null, 2)}\n`;
}

/** Both programs refuse two servers of one name. */
function namesOf(servers: readonly SnippetServer[]): readonly string[] {
  const taken = new Set<string>();
  return servers.map(({ remarks, host }) => {
    const name = remarks === "" ? host : remarks;
    let free = name;
    for (let number = 2; taken.has(free); number++) free = `${name} ${number}`;
    taken.add(free);
    return free;
  });
}
