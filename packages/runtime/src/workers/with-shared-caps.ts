import type { App, AppDeps } from "../app.ts";

type CreateApp<Config> = (config: Config, deps: AppDeps) => App<Config>;
type NumberKey<Config> = { [Key in keyof Config]: Config[Key] extends number ? Key : never }[keyof Config];

/** `createApp` for groups as well: of the caps named, which a configuration states for the service as a whole, each worker has its part. */
export function withSharedCaps<Config extends object>(createApp: CreateApp<Config>, caps: readonly NumberKey<Config>[]): CreateApp<Config> {
  return (config, deps) => {
    const { worker } = deps;
    if (!worker) return createApp(config, deps);
    const share = (whole: Config): Config => {
      const parts = caps.map((cap) => [cap, worker.share(whole[cap] as number)] as const);
      return { ...whole, ...Object.fromEntries(parts) };
    };
    const app = createApp(share(config), deps);
    return {
      start: () => app.start(),
      reload: (next) => app.reload(share(next)),
      readiness: () => app.readiness(),
      drain: (deadlineMs) => app.drain(deadlineMs),
    };
  };
}
