import { ConfigKey, ConfigPort, type MemberConfiguration, type MemberPort, NO_CONFIGURATION, SharedMap } from "@shadowfleet/control-api";

export const NOW_MS = 1_700_000_000_000;

export function configPort(port: number, more: Partial<ConfigPort> = {}): ConfigPort {
  return ConfigPort.fromPartial({ port, host: "127.0.0.1", method: "chacha20-ietf-poly1305", ...more });
}

export function configKey(id: string, port: number, more: Partial<ConfigKey> = {}): ConfigKey {
  return ConfigKey.fromPartial({ id, displayName: id.toUpperCase(), port, secrets: [`secret of ${id}`], ...more });
}

export function memberPort(config: ConfigPort, ...keys: ConfigKey[]): MemberPort {
  return { port: config.port, config, keys: SharedMap.from(keys.map((key) => [key.id, key] as const)) };
}

export function configuration(...ports: MemberPort[]): MemberConfiguration {
  return { ...NO_CONFIGURATION, revision: 1n, generation: "g1", ports: new Map(ports.map((port) => [port.port, port])) };
}

/** A moment relative to `NOW_MS`. */
export function at(ms: number): Date {
  return new Date(NOW_MS + ms);
}

/** A base64 pre-shared key of that many bytes. */
export function psk(fill: number, length = 16): string {
  return Buffer.alloc(length, fill).toString("base64");
}
