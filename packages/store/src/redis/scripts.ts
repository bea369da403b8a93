import { CONFIGURATION_SCRIPTS } from "./lua/configuration-scripts.ts";
import { EVENT_SCRIPTS } from "./lua/event-scripts.ts";
import { FAIL_COUNT_SCRIPTS } from "./lua/fail-count-scripts.ts";
import { LIMIT_SCRIPTS } from "./lua/limit-scripts.ts";
import { LIVE_SCRIPTS } from "./lua/live-scripts.ts";
import { TRAFFIC_SCRIPTS } from "./lua/traffic-scripts.ts";

const TEXTS = { ...CONFIGURATION_SCRIPTS, ...FAIL_COUNT_SCRIPTS, ...TRAFFIC_SCRIPTS, ...LIVE_SCRIPTS, ...LIMIT_SCRIPTS, ...EVENT_SCRIPTS };

export type ScriptName = keyof typeof TEXTS;

/** Every script as ioredis wants them: `client[name](numberOfKeys, ...keys, ...arguments)`. No name may be one of ioredis's own. */
export const SCRIPTS = Object.fromEntries(Object.entries(TEXTS).map(([name, lua]) => [name, { lua }])) as Readonly<
  Record<ScriptName, { readonly lua: string }>
>;
