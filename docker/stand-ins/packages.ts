/** Debian packages of the stand-ins, by name, with everything their programs load: they are unpacked, not installed, so nothing pulls in the rest. */
export const BASE_PACKAGES = [
  ...[
    "base-files",
    "base-passwd",
    "netbase",
    "bash",
    "dash",
    "coreutils",
    "sed",
    "grep",
    "findutils",
    "tar",
    "gzip",
    "mawk",
    "debianutils",
  ],
  ...["passwd", "util-linux", "libc6", "libc-bin", "libgcc-s1", "libstdc++6", "libatomic1", "libssl3", "zlib1g", "libtinfo6", "libgmp10"],
  ...["libselinux1", "libpcre2-8-0", "libacl1", "libattr1", "libcap2", "libcap-ng0", "libcrypt1", "libaudit1", "libsemanage2", "libsepol2"],
  ...["libpam0g", "libbz2-1.0", "liblzma5", "libzstd1", "liblz4-1", "libmd0", "libbsd0", "libgcrypt20", "libgpg-error0", "libsystemd0"],
];

const MACHINE = process.arch === "arm64" ? "aarch64" : "x86-64";

/** A C compiler, which the public image's builds install with apt. */
export const COMPILER_PACKAGES = [
  ...["gcc", "gcc-12", "cpp-12", "libgcc-12-dev", "libc6-dev", "linux-libc-dev", "libcc1-0", "libisl23", "libmpfr6", "libmpc3"],
  ...[
    "binutils",
    "binutils-common",
    `binutils-${MACHINE}-linux-gnu`,
    "libbinutils",
    "libctf0",
    "libctf-nobfd0",
    "libgprofng0",
    "libjansson4",
  ],
];

export const REDIS_PACKAGES = [
  "redis-server",
  "redis-tools",
  "libjemalloc2",
  "liblzf1",
  "libhiredis0.14",
  "liblua5.1-0",
  "lua-cjson",
  "lua-bitop",
];
