import assert from "node:assert/strict";
import { loadGatewayConfig } from "@shadowfleet/gateway";
import { loadManagementConfig } from "@shadowfleet/management";
import { ConfigError, type ConfigSource, parseConfigText } from "@shadowfleet/runtime";
import { loadTcpRelayConfig } from "@shadowfleet/tcp-relay";
import type { PseudoRandom } from "@shadowfleet/testkit";
import { loadUdpRelayConfig } from "@shadowfleet/udp-relay";
import { stringify } from "yaml";
import { loadStandaloneConfig } from "../../../services/cli/src/standalone/config.ts";
import type { FuzzTarget } from "../harness/target.ts";
import { pick } from "../models/addresses.ts";
import { JSON_TOKENS, mutateData } from "../models/json.ts";
import { CLASSIC, GATEWAY, MANAGEMENT, PLANTED_SECRET, RELAY, STANDALONE } from "../models/sample-configs.ts";

/** Reading ends in a configuration or in a ConfigError that names places and quotes no secret. */
function read(load: (source: ConfigSource) => unknown, text: string): string {
  let source: ConfigSource | undefined;
  try {
    source = parseConfigText(text, "fuzz.yaml");
    const config = load(source);
    assert.deepEqual(load(source), config, "read twice, the same");
    return "ok";
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const isComplete = error.problems.length > 0 && error.problems.every(({ path, reason }) => path !== "" && reason !== "");
    assert.ok(isComplete, `a problem without a place or a reason: ${JSON.stringify(error.problems)}`);
    const mayQuote = source === undefined ? /duplicate key/.test(error.message) : hasSecretKey(source.data);
    if (!mayQuote) assert.ok(!error.message.includes(PLANTED_SECRET), `a secret in: ${error.message}`);
    return source === undefined ? "no document" : "refused";
  }
}

/** Names of keys are quoted, so a secret in the place of one may be. */
function hasSecretKey(data: unknown): boolean {
  if (typeof data === "string") return data.includes(PLANTED_SECRET) && data !== PLANTED_SECRET;
  if (typeof data !== "object" || data === null) return false;
  return Object.entries(data).some(([key, value]) => key.includes(PLANTED_SECRET) || hasSecretKey(value));
}

type Sample = Parameters<typeof mutateData>[0];

function configTarget(name: string, samples: readonly Sample[], load: (source: ConfigSource) => unknown): FuzzTarget {
  return {
    name,
    reaches: ["ok", "refused", "no document"],
    tokens: JSON_TOKENS,
    isStructured: true,
    unit: 1_500,
    generate(random: PseudoRandom) {
      const data = mutateData(pick(samples, random), random);
      return [Buffer.from(random.below(4) === 0 ? stringify(data) : JSON.stringify(data))];
    },
    execute: (parts) => read(load, Buffer.concat(parts).toString("utf8")),
  };
}

export const configurations: readonly FuzzTarget[] = [
  configTarget("tcp-relay-config", [RELAY, CLASSIC], loadTcpRelayConfig),
  configTarget("udp-relay-config", [RELAY, CLASSIC], loadUdpRelayConfig),
  configTarget("gateway-config", [GATEWAY, CLASSIC], loadGatewayConfig),
  configTarget("management-config", [MANAGEMENT], loadManagementConfig),
  configTarget("standalone-config", [STANDALONE], loadStandaloneConfig),
];
