import * as kubernetes from "./kubernetes-shapes.ts";
import {
  address,
  anything,
  block,
  choice,
  duration,
  either,
  exactly,
  flag,
  goDuration,
  hostName,
  hostOrAddress,
  hostPort,
  integer,
  ipv4Block,
  ipv6Block,
  listOf,
  matching,
  nameLabel,
  objectName,
  optional,
  orNull,
  port,
  quantity,
  ratio,
  type Shape,
  secretKey,
  text,
  time,
} from "./shapes.ts";

type Shapes = Readonly<Record<string, Shape>>;

const pullPolicy = choice("Always", "IfNotPresent", "Never");
const registry = matching("^$|^[A-Za-z0-9][-A-Za-z0-9.]*(:[0-9]+)?(/[-a-z0-9._]+)*$");
const tag = matching("^$|^[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}$");
const existingSecret = optional(objectName);

const image = exactly({
  registry,
  repository: matching("^[a-z0-9]+([-._/][-a-z0-9._]*[a-z0-9])*$"),
  tag,
  digest: matching("^$|^sha256:[a-f0-9]{64}$"),
  pullPolicy: { type: "string", enum: ["", "Always", "IfNotPresent", "Never"] },
});

const ipFamilies: Shapes = {
  ipFamilyPolicy: { type: "string", enum: ["", "SingleStack", "PreferDualStack", "RequireDualStack"] },
  ipFamilies: listOf(choice("IPv4", "IPv6"), { maxItems: 2, uniqueItems: true }),
};
const service: Shapes = {
  type: choice("ClusterIP", "NodePort", "LoadBalancer"),
  annotations: kubernetes.annotations,
  labels: kubernetes.labels,
  loadBalancerClass: text,
  loadBalancerSourceRanges: listOf(block),
  ...ipFamilies,
};
const affinity = choice("None", "ClientIP");
const clientFacing: Shapes = {
  ...service,
  externalTrafficPolicy: choice("Local", "Cluster"),
  sessionAffinity: affinity,
  sessionAffinityTimeoutSeconds: integer(1, 86_400),
};

const percentOrCount = orNull({ type: "integer", minimum: 0 });
const disruptions: Shape = either(percentOrCount, matching("^[0-9]{1,3}%$"));

/** What every container of the fleet's own has. */
const container: Shapes = {
  image,
  config: anything,
  resources: kubernetes.resources,
  extraArgs: listOf(text),
  extraEnv: kubernetes.environment,
  extraEnvFrom: kubernetes.environmentSources,
  extraVolumeMounts: kubernetes.volumeMounts,
};

const placement: Shapes = {
  annotations: kubernetes.annotations,
  podAnnotations: kubernetes.annotations,
  podLabels: kubernetes.labels,
  nodeSelector: kubernetes.labels,
  tolerations: kubernetes.tolerations,
  affinity: kubernetes.affinity,
  priorityClassName: optional(objectName),
};

const hardening: Shapes = {
  podSecurityContext: kubernetes.podSecurityContext,
  securityContext: kubernetes.securityContext,
  serviceAccount: exactly({ create: flag, name: optional(objectName), annotations: kubernetes.annotations }),
  startupProbe: kubernetes.livenessProbe,
  readinessProbe: kubernetes.readinessProbe,
  livenessProbe: kubernetes.livenessProbe,
};

/** What every workload of the fleet's own has. */
const workload: Shapes = {
  ...placement,
  ...hardening,
  replicas: integer(0),
  drainDelay: duration,
  drainTimeout: duration,
  config: anything,
  autoscaling: exactly({
    type: choice("none", "hpa", "keda"),
    minReplicas: integer(1),
    maxReplicas: integer(1),
    targetCpu: orNull(integer(1)),
    targetMemory: orNull(integer(1)),
    metrics: kubernetes.scalingMetrics,
    behavior: kubernetes.scalingBehavior,
    keda: exactly({ triggers: kubernetes.kedaTriggers, pollingInterval: integer(1), annotations: kubernetes.annotations }),
  }),
  podDisruptionBudget: exactly({ enabled: flag, maxUnavailable: disruptions, minAvailable: disruptions }),
  topologySpread: exactly({
    zones: choice("ScheduleAnyway", "DoNotSchedule", "none"),
    nodes: choice("ScheduleAnyway", "DoNotSchedule", "none"),
    constraints: kubernetes.spreadConstraints,
  }),
  revisionHistoryLimit: integer(0),
  dnsPolicy: choice("ClusterFirst", "Default", "None"),
  dnsConfig: kubernetes.dnsConfig,
  extraVolumes: kubernetes.volumes,
  initContainers: kubernetes.containers,
  extraContainers: kubernetes.containers,
};

const fromSecret = exactly({ existingSecret, key: secretKey });

const amount = matching("^[0-9]+(\\.[0-9]+)? ?(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)(/(hour|day|week|month|total|[0-9]+d))?$");
const bitRate = matching("^[0-9]+(\\.[0-9]+)? ?(bit|kbit|Mbit|Gbit)(/s)?$");
const keyLimits = exactly({
  quota: either(
    amount,
    exactly(
      {
        ...{ amount, timeZone: text, anchorDay: integer(1, 31), resetTime: time },
        action: matching("^(cut|throttle:[0-9]+(\\.[0-9]+)? ?(bit|kbit|Mbit|Gbit)(/s)?)$"),
      },
      ["amount"],
    ),
  ),
  rate: either(bitRate, exactly({ up: bitRate, down: bitRate })),
  maxDevices: integer(1),
  deviceGrace: duration,
  maxSessions: integer(1),
});

const declared = (method: Shape): Shape => {
  const keyId = matching("^[a-z0-9._-]{1,64}$");
  const upstreamId = matching("^[A-Za-z0-9._:\\[\\]-]{1,128}$");
  return exactly({
    existingSecret,
    existingSecretKey: secretKey,
    ports: listOf(exactly({ port, host: hostOrAddress, method, identityKey: text }, ["port"])),
    keys: listOf(
      exactly(
        {
          ...{ id: keyId, name: text, port, secret: text, disabled: flag, disabledReason: text, startTime: time, expireTime: time },
          targets: exactly({ allow: listOf(text), deny: listOf(text) }),
          limits: keyLimits,
        },
        ["id", "port"],
      ),
    ),
    upstreams: listOf(
      exactly({ id: upstreamId, host: hostOrAddress, udpHost: hostOrAddress, port, method, secret: text, name: text }, [
        "host",
        "port",
        "method",
        "secret",
      ]),
    ),
    gateway: exactly({ enabled: flag, port, keyId, upstreamId, secret: text }),
  });
};

const redis = exactly({
  ...placement,
  ...hardening,
  enabled: flag,
  keyPrefix: matching("^[A-Za-z0-9.:_-]{1,64}$"),
  auth: fromSecret,
  sealing: exactly({ enabled: flag, existingSecret, key: secretKey }),
  external: exactly({
    mode: choice("single", "sentinel", "cluster"),
    url: matching("^$|^rediss?://[^@/\\s]+(/[0-9]*)?$"),
    hosts: listOf(hostPort),
    sentinelName: text,
    username: text,
    sentinelAuth: fromSecret,
    tls: exactly({
      enabled: flag,
      existingSecret,
      caKey: secretKey,
      certKey: optional(secretKey),
      keyKey: optional(secretKey),
      serverName: optional(hostName),
    }),
  }),
  image,
  extraConfig: text,
  persistence: exactly({
    enabled: flag,
    size: quantity,
    storageClass: matching("^$|^-$|^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"),
    accessModes: listOf(choice("ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"), { minItems: 1 }),
    annotations: kubernetes.annotations,
    existingClaim: optional(objectName),
    whenDeleted: choice("Retain", "Delete"),
  }),
  terminationGracePeriodSeconds: integer(1),
  resources: kubernetes.resources,
  extraEnv: kubernetes.environment,
  extraVolumes: kubernetes.volumes,
  extraVolumeMounts: kubernetes.volumeMounts,
  extraContainers: kubernetes.containers,
});

const webhook = exactly(
  {
    name: matching("^[a-z0-9][a-z0-9._-]{0,62}$"),
    url: matching("^https?://[^\\s@]+$"),
    ...{ existingSecret: objectName, key: secretKey, caKey: secretKey, types: listOf(text, { minItems: 1 }), timeout: duration },
  },
  ["name", "url", "existingSecret"],
);

const httpPaths = listOf(matching("^/[-A-Za-z0-9._~/]*$"), { minItems: 1 });

const management = (method: Shape): Shape =>
  exactly({
    ...workload,
    ...container,
    publicHost: optional(hostOrAddress),
    defaults: exactly({ port, method }),
    allowInsecureCiphers: flag,
    webhooks: listOf(webhook),
    http: exactly({
      enabled: flag,
      publicUrl: matching("^$|^https?://[^\\s@?#]+$"),
      trustedProxies: listOf(either(address, block)),
      doors: exactly({ json: flag, sip008: flag, ssm: flag, outline: flag, console: flag }),
      links: exactly({ existingSecret, key: secretKey }),
      port,
      nodePort: orNull(port),
      ingress: exactly({
        enabled: flag,
        className: text,
        hosts: listOf(hostName),
        paths: httpPaths,
        tlsSecret: existingSecret,
        annotations: kubernetes.annotations,
        labels: kubernetes.labels,
      }),
      httpRoute: exactly({
        enabled: flag,
        parentRefs: kubernetes.parentRefs,
        hostnames: listOf(hostName),
        paths: httpPaths,
        annotations: kubernetes.annotations,
        labels: kubernetes.labels,
      }),
    }),
    tokens: exactly({ existingSecret, adminKey: secretKey, viewerKey: secretKey, memberKey: secretKey }),
    tls: exactly({
      existingSecret,
      caKey: secretKey,
      systemAuthorities: flag,
      serverName: optional(hostName),
      validityDays: integer(1, 36_500),
      extraDnsNames: listOf(matching("^(\\*\\.)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")),
      extraIpAddresses: listOf(address),
      certManager: exactly({ enabled: flag, issuerRef: kubernetes.issuerRef, duration: goDuration, renewBefore: goDuration }),
      mutual: exactly({
        enabled: flag,
        clientCaExistingSecret: existingSecret,
        clientCaKey: secretKey,
        memberExistingSecret: existingSecret,
      }),
    }),
    service: exactly({ ...service, port, nodePort: orNull(port) }),
  });

const relayContainer = exactly({ ...container, replicas: orNull(integer(0)) });

const relay = exactly({
  ...workload,
  layout: choice("pod", "split", "daemonset"),
  ports: listOf(exactly({ port, tcpNodePort: port, udpNodePort: port, hostPort: port }, ["port"])),
  tcp: relayContainer,
  udp: relayContainer,
  plugin: exactly({
    enabled: flag,
    image: text,
    command: listOf(text),
    args: listOf(text),
    options: text,
    port,
    listenPort: port,
    extraEnv: kubernetes.environment,
    extraVolumeMounts: kubernetes.volumeMounts,
    resources: kubernetes.resources,
  }),
  service: exactly({
    ...clientFacing,
    enabled: flag,
    mixedProtocol: flag,
    udpSessionAffinity: affinity,
    loadBalancerIP: optional(address),
    allocateLoadBalancerNodePorts: orNull(flag),
    externalIPs: listOf(address),
    tcpAnnotations: kubernetes.annotations,
    udpAnnotations: kubernetes.annotations,
  }),
});

const gateway = exactly({
  ...workload,
  ...container,
  enabled: flag,
  users: listOf(exactly({ name: matching("^[^:]{1,255}$"), password: { type: "string", maxLength: 255 } }, ["name"])),
  policy: choice("classic", "round-robin", "latency"),
  service: exactly({ ...clientFacing, port, nodePort: orNull(port) }),
});

const networkPolicy = exactly({
  enabled: flag,
  dns: kubernetes.peers,
  dnsPorts: listOf(port, { minItems: 1 }),
  monitoring: kubernetes.peers,
  externalRedis: kubernetes.peers,
  traces: kubernetes.peers,
  relay: exactly({ denied: listOf(ipv4Block), deniedIpv6: listOf(ipv6Block), extraEgress: kubernetes.egressRules }),
  gateway: exactly({ clients: kubernetes.peers, extraEgress: kubernetes.egressRules }),
  management: exactly({ clients: kubernetes.peers, extraEgress: kubernetes.egressRules }),
  extraIngress: kubernetes.ingressRules,
});

const monitoring = exactly({
  podMonitor: exactly(kubernetes.monitor),
  serviceMonitor: exactly(kubernetes.monitor),
  prometheusRule: exactly({
    enabled: flag,
    labels: kubernetes.labels,
    namespace: optional(nameLabel),
    alertLabels: kubernetes.labels,
    disabled: listOf(text),
  }),
  dashboards: exactly({
    enabled: flag,
    namespace: optional(nameLabel),
    labels: kubernetes.labels,
    annotations: kubernetes.annotations,
  }),
});

/** Every value of the chart, and nothing else but other charts' globals. */
export function valueShapes(methodNames: readonly string[]): Shape {
  const method = choice(...methodNames);
  return exactly({
    nameOverride: optional(nameLabel),
    fullnameOverride: optional(nameLabel),
    clusterDomain: hostName,
    bindAddress: address,
    commonLabels: kubernetes.labels,
    commonAnnotations: kubernetes.annotations,
    global: {
      type: "object",
      properties: {
        imageRegistry: registry,
        imagePullSecrets: listOf(either(objectName, exactly({ name: objectName }, ["name"]))),
      },
    },
    image: exactly({ registry, tag, pullPolicy }),
    imagePullSecrets: listOf(either(objectName, exactly({ name: objectName }, ["name"]))),
    log: exactly({ level: choice("trace", "debug", "info", "warn", "error", "silent"), format: choice("json", "text") }),
    telemetry: exactly({
      traces: exactly({ endpoint: matching("^$|^https?://[^\\s@]+$"), sampleRatio: ratio, dataPlaneSampleRatio: ratio }),
    }),
    secrets: exactly({ generate: flag }),
    declared: declared(method),
    redis,
    management: management(method),
    relay,
    gateway,
    gatewayApi: exactly({
      enabled: flag,
      apiVersion: matching("^gateway\\.networking\\.k8s\\.io/v1(alpha2|beta1)?$"),
      tcpParentRefs: kubernetes.parentRefs,
      udpParentRefs: kubernetes.parentRefs,
      annotations: kubernetes.annotations,
      labels: kubernetes.labels,
    }),
    networkPolicy,
    monitoring,
    tests: exactly({
      enabled: flag,
      image,
      deadline: duration,
      extraArgs: listOf(text),
      podAnnotations: kubernetes.annotations,
      resources: kubernetes.resources,
    }),
    extraObjects: listOf(either(anything, text)),
  });
}
