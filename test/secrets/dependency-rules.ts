/** The parts of package-lock.json (version 3) and of package.json that are looked at. */
export interface Lockfile {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

export interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

export interface Manifest {
  readonly name: string;
  readonly license?: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Nothing here asks more of who passes the program on than its own licence does. */
const LICENCES = new Set([
  ...["0BSD", "Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "Unlicense"],
  ...["MIT OR Apache-2.0", "(Apache-2.0 AND BSD-3-Clause)"],
]);

/** Manifests in the old form, which the lockfile does not repeat; all three say MIT. They come with testcontainers, for tests only. */
const OLD_MANIFESTS = new Set(["buildcheck", "cpu-features", "ssh2"]);

/** Have install scripts, which are switched off; each works without. */
const INSTALL_SCRIPTS = new Set(["@bufbuild/buf", "cpu-features", "protobufjs", "ssh2"]);

/** What npm would run by itself, in a workspace of ours. */
const LIFE_CYCLE = ["preinstall", "install", "postinstall", "prepare", "prepublish"];

/** Versions that are ranges, tags, URLs or paths. */
export function looseVersions({ name, dependencies, devDependencies, optionalDependencies }: Manifest): string[] {
  return [dependencies, devDependencies, optionalDependencies]
    .flatMap((table) => Object.entries(table ?? {}))
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version))
    .map(([dependency, version]) => `${name}: ${dependency}@${version}`);
}

/** Scripts of ours that npm would run at an install. */
export function lifeCycleScripts({ name, scripts }: Manifest): string[] {
  return Object.keys(scripts ?? {}).flatMap((script) => (LIFE_CYCLE.includes(script) ? [`${name}: ${script}`] : []));
}

/** Packages that the lockfile does not hold to one content of the registry. */
export function unprovenPackages(lock: Lockfile): string[] {
  return foreign(lock).flatMap(([path, { version, integrity, resolved }]) => {
    if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? "")) return [`${path}: no SHA-512`];
    if (version === undefined) return [`${path}: no version`];
    // Only what comes from elsewhere than the registry says where from.
    return resolved === undefined ? [] : [`${path}: from ${resolved}`];
  });
}

/** Packages with install scripts that nobody has looked at. */
export function unknownInstallScripts(lock: Lockfile): string[] {
  return foreign(lock).flatMap(([path, { hasInstallScript }]) => (hasInstallScript && !INSTALL_SCRIPTS.has(nameOf(path)) ? [path] : []));
}

/** Packages under a licence that is not on the list, or under none. */
export function unknownLicences(lock: Lockfile): string[] {
  return foreign(lock).flatMap(([path, { license }]) => {
    if (license === undefined && OLD_MANIFESTS.has(nameOf(path))) return [];
    return LICENCES.has(license ?? "") ? [] : [`${path}: ${license ?? "none"}`];
  });
}

/** What is not ours. */
function foreign(lock: Lockfile): [string, LockedPackage][] {
  return Object.entries(lock.packages).filter(([path, { link }]) => path.includes("node_modules/") && !link);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
}
