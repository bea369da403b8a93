/** The service has no settings of its own: it reads what both relays share, from one file. */
export { type LoadedRelayConfig as TcpRelayConfig, loadRelayConfig as loadTcpRelayConfig } from "@shadowfleet/relay";
