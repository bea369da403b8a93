import { type App, type AppDeps, createYoungCollector } from "@shadowfleet/runtime";
import { onGarbage, useAeadBackend } from "@shadowfleet/wire";
import { type BackendChoice, chooseAeadBackend } from "./choose-backend.ts";
import { useNativeSockets } from "./native-sockets.ts";

/** Of messages' and packets' garbage. Less costs more collections, more costs memory without being faster. */
const COLLECT_EVERY_BYTES = 8 * 1024 * 1024;

type CreateApp<Config> = (config: Config, deps: AppDeps) => App<Config>;

/**
 * `createApp` for a process of its own: chooses what encrypts in this process, and moves its sockets, before anything does, says so in one log line, as the metric
 * `fleet.aead.backend` and in the readiness details.
 */
export function withAeadBackend<Config>(createApp: CreateApp<Config>, choose: () => BackendChoice = chooseAeadBackend): CreateApp<Config> {
  return (config, deps) => {
    const { backend, sockets, reason, isFault } = choose();
    useAeadBackend(backend);
    useNativeSockets(sockets);
    const collector = createYoungCollector(COLLECT_EVERY_BYTES);
    if (collector) onGarbage(collector);
    if (reason === undefined) deps.logger.info({ aead: backend.name }, "encrypting with the native accelerator");
    else deps.logger[isFault ? "warn" : "info"]({ aead: backend.name, reason }, `encrypting with ${backend.name}`);
    deps.metrics.observe("fleet.aead.backend", () => [{ value: 1, attributes: { backend: backend.name } }]);

    const app = createApp(config, deps);
    return {
      start: () => app.start(),
      reload: (next) => app.reload(next),
      readiness: () => {
        const { ready, details } = app.readiness();
        return { ready, details: { ...details, aead: backend.name } };
      },
      drain: (deadlineMs) => app.drain(deadlineMs),
    };
  };
}
