import { shadowfleet, shadowfleetPure } from "./shadowfleet.ts";
import { shadowsocksLibev } from "./shadowsocks-libev.ts";
import { shadowsocksRust } from "./shadowsocks-rust.ts";
import type { Side } from "./side.ts";

/** Whose figures ratios are about. */
export const OURS = shadowfleet.name;
/** The same without the accelerator. */
export const PURE = shadowfleetPure.name;
/** Whom budgets compare us with. */
export const REFERENCE = shadowsocksLibev.name;

/** Everything the suite knows, in the order it takes turns. */
export const ALL_SIDES: readonly Side[] = [shadowfleet, shadowsocksLibev, shadowsocksRust, shadowfleetPure];
