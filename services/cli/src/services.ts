import { runService } from "@shadowfleet/runtime";

export interface RunnableService {
  readonly summary: string;
  /** Runs it in this process, from its command line to its exit. */
  readonly run: (argv: readonly string[]) => Promise<void>;
}

// Each is loaded when it is run: the commands need none of them.
export const SERVICES = {
  standalone: {
    summary: "the whole fleet in one process, with a demo access key",
    run: async (argv) => runService((await import("./standalone/service.ts")).standaloneService, argv),
  },
  gateway: {
    summary: "SOCKS and HTTP proxy for applications, Shadowsocks behind",
    run: async (argv) => runService((await import("@shadowfleet/gateway")).gatewayService, argv),
  },
  "tcp-relay": {
    summary: "Shadowsocks server for TCP",
    run: async (argv) => runService((await import("@shadowfleet/tcp-relay")).tcpRelayService, argv),
  },
  "udp-relay": {
    summary: "Shadowsocks server for UDP",
    run: async (argv) => runService((await import("@shadowfleet/udp-relay")).udpRelayService, argv),
  },
  management: {
    summary: "the fleet's control plane",
    run: async (argv) => runService((await import("@shadowfleet/management")).managementService, argv),
  },
} as const satisfies Record<string, RunnableService>;

export type ServiceName = keyof typeof SERVICES;
