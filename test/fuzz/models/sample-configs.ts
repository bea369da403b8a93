/** Stands wherever a configuration has a secret; no message may quote it. */
export const PLANTED_SECRET = "hunter2-planted";

const PSK = "AAECAwQFBgcICQoLDA0ODw==";
const common = { log: { level: "info" }, admin: { port: 0 } };

export const RELAY = {
  ...common,
  ports: [
    {
      port: 8388,
      method: "chacha20-ietf-poly1305",
      keys: [
        { id: "anna", name: "Anna", secret: PLANTED_SECRET },
        { id: "boris", secret: "b", targets: { allow: ["a.example"], deny: ["10.9.0.0/16"] } },
      ],
    },
    {
      port: 8389,
      host: "127.0.0.1",
      method: "2022-blake3-aes-128-gcm",
      identityKey: PSK,
      keys: [{ id: "c", secret: "EBESExQVFhcYGRobHB0eHw==" }],
    },
    { port: 8390, method: "aes-256-gcm", password: PLANTED_SECRET },
  ],
  targets: { allow: ["10.1.0.0/16", "intra.example"], deny: ["203.0.113.0/24", "2001:db8::/32"] },
  timeouts: { handshake: "30s", dial: "5s", idle: "0s", udpIdle: "2m" },
  limits: { maxConnections: "auto", udpSessionsPerKey: 10 },
  replayFilter: true,
  proxyProtocol: { trustedSources: ["10.0.0.0/8", "2001:db8::7"] },
  plugins: [{ program: "/usr/bin/obfs-server", pluginOptions: PLANTED_SECRET, ports: [8388] }],
};

export const CLASSIC = {
  server: ["0.0.0.0", "::"],
  server_port: 8388,
  local_port: 1080,
  local_address: "127.0.0.1",
  password: PLANTED_SECRET,
  port_password: { "8381": PLANTED_SECRET, "8382": "two" },
  server_password: [
    ["127.0.0.1:8387", PLANTED_SECRET],
    ["127.0.0.1:8388", "two", "aes-128-gcm"],
  ],
  method: "aes-256-gcm",
  timeout: 60,
  auth: false,
  plugin: "",
  plugin_opts: "",
};

export const GATEWAY = {
  ...common,
  listen: { host: "127.0.0.1", port: 1080 },
  users: [{ name: "anna", password: PLANTED_SECRET }, { name: "boris" }],
  upstreams: [
    `ss://${Buffer.from(`aes-256-gcm:${PLANTED_SECRET}`).toString("base64url")}@192.0.2.1:8388#one`,
    { id: "two", host: "relay.example", udpHost: "udp.example", port: 8388, method: "chacha20-ietf-poly1305", secret: PLANTED_SECRET },
    { uri: "ss://2022-blake3-aes-128-gcm:AAECAwQFBgcICQoLDA0ODw%3D%3D@[2001:db8::1]:1/?plugin=obfs-local%3Bobfs%3Dhttp" },
  ],
  plugins: { "obfs-local": "/usr/bin/obfs-local" },
  proxyProtocol: { trustedSources: ["192.0.2.0/24"] },
  policy: "latency",
  timeouts: { firstPayloadWait: "3ms" },
};

export const MANAGEMENT = {
  ...common,
  grpc: { host: "127.0.0.1", port: 0 },
  store: { type: "redis", url: `redis://user:${PLANTED_SECRET}@127.0.0.1:6379/0` },
  publicHost: "relay.example",
  defaults: { port: 8388, method: "chacha20-ietf-poly1305" },
  udpManagement: { enabled: true, dialect: "libev", port: 6001 },
  declared: {
    ports: [
      { port: 8388, method: "2022-blake3-aes-128-gcm", identityKey: PSK },
      { port: 8389, method: "aes-128-gcm" },
    ],
    keys: [
      {
        id: "anna",
        name: "Anna",
        port: 8389,
        secret: PLANTED_SECRET,
        expireTime: "2027-01-01T00:00:00Z",
        targets: { allow: ["10.0.0.0/8"] },
        limits: { quota: "50GB/month", rate: "20Mbit", maxDevices: 3, deviceGrace: "2m", maxSessions: 100 },
      },
      {
        ...{ id: "carol", port: 8388, secret: "ICEiIyQlJicoKSorLC0uLw==" },
        limits: {
          quota: { amount: "1GiB/week", timeZone: "Europe/Berlin", anchorDay: 5, action: "throttle:1Mbit" },
          rate: { up: "2Mbit" },
        },
      },
      { id: "boris", port: 8388, secret: "EBESExQVFhcYGRobHB0eHw==", disabled: true, disabledReason: "unpaid" },
    ],
    upstreams: [{ host: "relay.example", port: 8388, method: "aes-128-gcm", secret: PLANTED_SECRET }],
  },
};

export const STANDALONE = {
  ...common,
  gateway: { host: "127.0.0.1", port: 1080 },
  relay: { port: 8388, method: "chacha20-ietf-poly1305", secret: PLANTED_SECRET },
  store: { type: "sqlite", path: "/tmp/state.db" },
  management: { port: 9190 },
};
