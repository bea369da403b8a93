import { stringify } from "yaml";
import { redactFields } from "./redaction.ts";

const WHOLE = { maxDepth: 64, maxEntries: Number.MAX_SAFE_INTEGER };

/**
 * An effective configuration as YAML that may be shown to anyone: secrets and all binary values are "<redacted>", a credential is its
 * method name and a redacted key. For reading, not for loading.
 */
export function redactedConfigYaml(config: unknown): string {
  return stringify(redactFields(config, WHOLE), { aliasDuplicateObjects: false, lineWidth: 0 });
}
