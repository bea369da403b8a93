import { codeOf, FleetError, type Logger, type Metrics } from "@shadowfleet/runtime";
import { listenTcp, type TcpListener } from "@shadowfleet/transport";
import type { GatewayConfig } from "./config.ts";
import { UdpPort } from "./datagram/udp-port.ts";
import { ClientSession } from "./session/client-session.ts";
import type { GatewayContext } from "./session/gateway-context.ts";

/** The listening port: TCP for all protocols, and UDP for SOCKS5 associations. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Undefined: it could not be bound, and UDP ASSOCIATE is refused. */
  readonly udpPort: number | undefined;
  /** Stops accepting and frees the port; live sessions go on, and the UDP port stays for as long as they need it. */
  close(): Promise<void>;
}

/** Binds and serves. Rejects with FleetError BIND_FAILED when TCP cannot be bound; UDP alone failing is logged. */
export async function openListener(config: GatewayConfig, context: GatewayContext): Promise<Listener> {
  const { logger, metrics } = context;
  let udp: UdpPort | undefined;
  const udpPort = () => udp;
  const tcp = await listenTcp({
    ...config.listen,
    maxConnections: config.maxConnections,
    worker: context.worker,
    onConnection: (client) => new ClientSession(client, udpPort, context).start(),
    onPauseChange: (paused, reason) => reportPause(paused, reason, logger, metrics),
  });
  udp = bindUdp(tcp, context);
  logger.info({ host: tcp.host, port: tcp.port, udpPort: udp?.port }, "port open");
  return {
    host: tcp.host,
    port: tcp.port,
    udpPort: udp?.port,
    close: async () => {
      udp?.close();
      await tcp.close();
    },
  };
}

/** Datagrams must reach the worker that has their control connection, so each worker has a UDP port of its own, the first the listener's number. */
function bindUdp({ host, port }: TcpListener, { packets, logger, worker }: GatewayContext): UdpPort | undefined {
  try {
    return new UdpPort({ host, port: port + (worker ? worker.index - 1 : 0), packets, logger });
  } catch (error) {
    const cause = new FleetError("BIND_FAILED", `UDP on ${host} cannot be bound`, { cause: error });
    logger.error({ code: codeOf(cause), err: cause }, "no UDP port: UDP ASSOCIATE will be refused");
    return undefined;
  }
}

function reportPause(paused: boolean, reason: string, logger: Logger, metrics: Metrics): void {
  if (!paused) {
    logger.info({ reason }, "accepting again");
    return;
  }
  metrics.add("shadowsocks.listener.pauses", 1);
  logger.warn({ reason }, "accepting paused");
}
