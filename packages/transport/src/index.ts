export type { Connection } from "./connection.ts";
export type { DialOptions, DialResult } from "./dial.ts";
export type { ByteMeter, Pump, PumpOptions, PumpResult } from "./pump.ts";
export type { Resolution, ResolvedAddress, Resolver } from "./resolver.ts";
export type { TcpListener, TcpListenerOptions } from "./tcp-listener.ts";
