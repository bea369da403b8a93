import { globSync } from "node:fs";
import { join } from "node:path";
import { loadSync, type PackageDefinition } from "@grpc/proto-loader";

const PROTO_FOLDER = join(import.meta.dirname, "../../../proto");

/** The published contract as reflection describes it: every service and message of `proto/`. */
export function loadContract(): PackageDefinition {
  return loadSync(globSync("shadowfleet/**/*.proto", { cwd: PROTO_FOLDER }).sort(), {
    includeDirs: [PROTO_FOLDER],
    keepCase: true,
    longs: String,
  });
}
