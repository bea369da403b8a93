import type { Helm } from "../helm/helm.ts";
import { dataOf, type MountedFile } from "./container-files.ts";
import { only } from "./object.ts";

/** What the operator's own Secrets would have, by the name of the file: of the same form as what the chart generates. */
export async function standIns(helm: Helm): Promise<(file: MountedFile) => string> {
  const objects = await helm.render({});
  const tls = dataOf(only(objects, "Secret", /management-tls$/));
  const declared = dataOf(only(objects, "Secret", /declared$/))["declared.yaml"]!;
  return ({ path }) => {
    if (path.endsWith("declared.yaml")) return declared;
    if (/webhook-.*\.secret$/.test(path)) return `whsec_${Buffer.alloc(32, path).toString("base64")}`;
    if (/ca\.crt$/.test(path)) return tls["ca.crt"]!;
    if (path.endsWith(".crt")) return tls["tls.crt"]!;
    if (path.endsWith(".key")) return tls["tls.key"]!;
    return `a-secret-of-the-operator-in${path.replaceAll("/", "-")}`;
  };
}
