import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "@shadowfleet/testkit";
import { type KubernetesObject, nameOf } from "../objects/object.ts";
import { type Model, modelOf } from "./models.ts";

const packages = join(import.meta.dirname, "..", "..", "..", "node_modules");
const DEADLINE_MS = 120_000;

const COMPILER_OPTIONS = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  skipLibCheck: true,
  module: "nodenext",
  target: "esnext",
  types: [],
};

/**
 * What the type checker says against these objects when each has to satisfy the interface of its kind: unknown fields and wrong types, at any depth.
 * All of them are one program, because starting the checker costs more than checking.
 */
export async function checkTypes(objects: readonly KubernetesObject[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "shadowfleet-types-"));
  try {
    const { text, ownerOfLine } = programOf(objects);
    await writeFile(join(folder, "objects.ts"), text);
    await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ["objects.ts"] }));
    await symlink(packages, join(folder, "node_modules"));
    const { code, stdout, stderr } = await runProgram(join(packages, ".bin", "tsc"), ["-p", folder, "--pretty", "false"], {
      cwd: folder,
      deadlineMs: DEADLINE_MS,
    });
    const problems = stdout
      .toString()
      .split("\n")
      .flatMap((line) => {
        const match = /^\S*objects\.ts\((\d+),\d+\): error (TS\d+: .*)$/.exec(line);
        return match ? [`${ownerOfLine(Number(match[1]))}: ${match[2]}`] : [];
      });
    if (code !== 0 && problems.length === 0) throw new Error(`the type checker failed: ${stdout}${stderr}`);
    return problems;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One constant an object, and whose lines are whose. */
function programOf(objects: readonly KubernetesObject[]): { readonly text: string; readonly ownerOfLine: (line: number) => string } {
  const imports = new Map<string, { readonly model: Model; readonly alias: string }>();
  const lines: string[] = [];
  const starts: { readonly line: number; readonly object: KubernetesObject }[] = [];
  for (const object of objects) {
    const model = modelOf(object);
    const known = imports.get(model.module) ?? { model, alias: `Model${imports.size}` };
    imports.set(model.module, known);
    starts.push({ line: lines.length, object });
    const json = JSON.stringify({ ...object, apiVersion: model.apiVersion }, undefined, 1);
    lines.push(...`export const object${starts.length} = ${json} satisfies ${known.alias};`.split("\n"));
  }
  const header = [...imports.values()].map(({ model, alias }) => `import type { I${model.kind} as ${alias} } from "${model.module}";`);
  return {
    text: [...header, ...lines].join("\n"),
    ownerOfLine: (line) => {
      const owner = starts.findLast((start) => start.line <= line - 1 - header.length);
      return owner === undefined ? "import" : nameOf(owner.object);
    },
  };
}
