/**
 * Writes what one service runs as into a folder: `node docker/program-tree.ts SERVICE FOLDER`, in a checkout with production dependencies.
 * Its own workspaces as JavaScript, the packages it depends on without what no program loads, and one entry under the same name for all.
 */
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { basename, dirname, join, relative, sep } from "node:path";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly exports?: Record<string, string>;
  readonly dependencies?: Record<string, string>;
}

const root = join(import.meta.dirname, "..");
const [service = "", folder = ""] = process.argv.slice(2);
const RELATIVE_TS_IMPORT = /(\bfrom\s*|\bimport\s*\(?\s*)"(\.{1,2}\/[^"]+)\.ts"/g;

function manifestOf(place: string): Manifest {
  return JSON.parse(readFileSync(join(place, "package.json"), "utf8")) as Manifest;
}

/** Where Node finds a package from a folder: the nearest node_modules upwards. */
function resolvePackage(name: string, from: string): string {
  for (let place = from; place.startsWith(root); place = dirname(place)) {
    const candidate = join(place, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
  }
  throw new Error(`${relative(root, from)} needs ${name}, which is not installed`);
}

/** Every place in node_modules that the service needs, as Node names it, with the folder behind a link. */
function closureOf(entry: string): Map<string, string> {
  const found = new Map<string, string>();
  const pending = [entry];
  for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
    for (const name of Object.keys(manifestOf(place).dependencies ?? {})) {
      if (name.startsWith("@types/")) continue;
      const installed = resolvePackage(name, place);
      if (found.has(installed)) continue;
      const real = realpathSync(installed);
      found.set(installed, real);
      pending.push(real);
    }
  }
  return found;
}

/** The same program without types: Node's own stripping, so that every line stays where it is in the sources. */
function emit(workspace: string): void {
  const target = join(folder, relative(root, workspace));
  mkdirSync(target, { recursive: true });
  for (const file of globSync("src/**/*.ts", { cwd: workspace })) {
    const source = stripTypeScriptTypes(readFileSync(join(workspace, file), "utf8"));
    const emitted = join(target, file.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(emitted), { recursive: true });
    writeFileSync(emitted, source.replace(RELATIVE_TS_IMPORT, '$1"$2.js"'));
  }
  // What the console's page is besides its modules.
  for (const file of globSync("src/**/*.{html,css,svg}", { cwd: workspace })) cpSync(join(workspace, file), join(target, file));
  const built = join(workspace, "build");
  if (existsSync(built)) cpSync(built, join(target, "build"), { recursive: true });
  const { name, version, license, exports = {}, dependencies } = manifestOf(workspace);
  const published = Object.entries(exports).flatMap(([key, file]) =>
    file.startsWith("./src/") ? [[key, file.replace(/\.ts$/, ".js")]] : [],
  );
  const manifest = { name, version, license, type: "module", exports: Object.fromEntries(published), dependencies };
  writeFileSync(join(target, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** False for what a package carries for compilers, readers and its own tests. Licences stay. */
function isLoadable(path: string): boolean {
  const [top = "", ...below] = path.split(sep);
  if (path.includes("node_modules")) return false; // Packages below are copied by their own names when they are needed.
  if (/\.(test|spec)\.[cm]?js$/.test(path)) return false;
  if (/\.(map|md|markdown|flow|tsbuildinfo|sh|ts|mts|cts)$/.test(path)) return /^licen[cs]e/i.test(basename(path));
  return !top.startsWith(".") && (below.length > 0 || !/^(tests?|__tests__|coverage|docs?|examples?|benchmarks?)$/.test(top));
}

function copyPackage(place: string): void {
  cpSync(place, join(folder, relative(root, place)), {
    recursive: true,
    filter: (path) => path === place || isLoadable(relative(place, path)),
  });
}

const entry = join(root, "services", service);
if (!folder || !existsSync(join(entry, "src/main.ts"))) {
  console.error(`program-tree: no service "${service}"; usage: program-tree.ts SERVICE FOLDER`);
  process.exit(2);
}
rmSync(folder, { recursive: true, force: true });
emit(entry);
for (const [installed, real] of closureOf(entry)) {
  if (installed === real) {
    copyPackage(installed);
    continue;
  }
  emit(real);
  const link = join(folder, relative(root, installed));
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(relative(dirname(installed), real), link);
}
cpSync(join(root, "proto"), join(folder, "proto"), { recursive: true });
cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
cpSync(join(root, "docker/health.js"), join(folder, "health.js"));
const { name, version, license } = manifestOf(root);
writeFileSync(join(folder, "package.json"), `${JSON.stringify({ name, version, license, type: "module" }, undefined, 2)}\n`);
writeFileSync(join(folder, "main.js"), `import "./services/${service}/src/main.js";\n`);
