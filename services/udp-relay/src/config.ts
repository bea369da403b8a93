/** The service has no settings of its own: it reads what both relays share, from one file. */
export { type LoadedRelayConfig as UdpRelayConfig, loadRelayConfig as loadUdpRelayConfig } from "@shadowfleet/relay";
