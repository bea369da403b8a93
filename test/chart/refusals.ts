/** Values that the chart must refuse, and every sentence it must say. */
export interface Refusal {
  readonly values: object;
  readonly says: readonly string[];
  /** What the cluster offers. Default: everything optional. */
  readonly apiVersions?: readonly string[];
}

/** What only a look into the cluster can tell; `upgrades.test.ts` provokes it. */
export const MIXED_PORTS_CHANGE =
  "relay.service.mixedProtocol: Helm 3 cannot change the ports of Service fleet-shadowfleet-relay-public, it would lose one of two protocols; use Helm 4, or delete that Service first";

const EXTERNAL = { enabled: false };

const RELAY: readonly Refusal[] = [
  {
    values: { relay: { layout: "daemonset", autoscaling: { type: "hpa" } } },
    says: ["relay.autoscaling.type: a DaemonSet has one pod a node; set it to none, or relay.layout to pod or split"],
  },
  { values: { relay: { ports: [{ port: 9000 }, { port: 9000 }] } }, says: ["relay.ports: port 9000 is listed twice"] },
  {
    values: { relay: { ports: [{ port: 9000, hostPort: 443 }] } },
    says: ["relay.ports: hostPort of port 9000 needs relay.layout: daemonset"],
  },
  {
    values: { relay: { ports: [{ port: 9000, tcpNodePort: 30_000 }] } },
    says: ["relay.ports: node ports of port 9000 need relay.service.type NodePort or LoadBalancer"],
  },
  {
    values: { relay: { ports: [{ port: 9000, tcpNodePort: 30_000, udpNodePort: 30_000 }], service: { type: "NodePort" } } },
    says: [
      "relay.ports: node port 30000 is wanted twice, and a cluster gives a number to one Service only; choose two, or one Service for both protocols of a port with relay.service.mixedProtocol",
    ],
  },
  {
    values: {
      relay: {
        ports: [
          { port: 9000, tcpNodePort: 30_000, udpNodePort: 30_000 },
          { port: 9001, tcpNodePort: 30_000 },
        ],
        service: { type: "NodePort", mixedProtocol: true },
      },
    },
    says: [
      "relay.ports: node port 30000 is wanted twice, and a cluster gives a number to one Service only; choose two, or one Service for both protocols of a port with relay.service.mixedProtocol",
    ],
  },
  {
    values: { relay: { ports: [{ port: 9000, tcpNodePort: 30_000, udpNodePort: 30_000 }], service: { type: "NodePort" } } },
    says: [
      "relay.ports: node port 30000 is wanted twice, and a cluster gives a number to one Service only; choose two, or one Service for both protocols of a port with relay.service.mixedProtocol",
    ],
  },
  { values: { relay: { ports: [{ port: 9101 }] } }, says: ["port 9101 is an admin port of the relays: choose another one"] },
  {
    values: { declared: { existingSecret: "mine" } },
    says: ["relay.ports: the relays have no port; list those of declared.existingSecret, or those you will make at run time"],
  },
  {
    values: { relay: { plugin: { enabled: true, port: 9000, listenPort: 8388 } } },
    says: [
      "relay.plugin.image: which image has the plugin?",
      "relay.plugin.port: 9000 is none of the relays' ports",
      "relay.plugin.listenPort: 8388 is taken in the pod; choose another one",
    ],
  },
  {
    values: { relay: { service: { loadBalancerClass: "mine", loadBalancerSourceRanges: ["192.0.2.0/24"] } } },
    says: [
      "relay.service.loadBalancerClass: has no effect with type ClusterIP; set relay.service.type to LoadBalancer",
      "relay.service.loadBalancerSourceRanges: has no effect with type ClusterIP; set relay.service.type to LoadBalancer",
    ],
  },
  {
    values: { gateway: { service: { nodePort: 31_080 } } },
    says: ["gateway.service.nodePort: needs gateway.service.type NodePort or LoadBalancer"],
  },
];

const WORKLOADS: readonly Refusal[] = [
  {
    values: { gateway: { autoscaling: { type: "hpa", minReplicas: 5, maxReplicas: 2 } } },
    says: ["gateway.autoscaling: minReplicas 5 is more than maxReplicas 2"],
  },
  {
    values: { relay: { autoscaling: { type: "hpa", targetCpu: null } } },
    says: ["relay.autoscaling: nothing to go by; set targetCpu, targetMemory, or metrics"],
  },
  {
    values: { relay: { autoscaling: { type: "keda", targetCpu: null } } },
    says: ["relay.autoscaling: nothing to go by; set targetCpu, targetMemory, or keda.triggers"],
  },
  {
    values: { management: { autoscaling: { type: "keda" } } },
    apiVersions: [],
    says: [
      "management.autoscaling.type: keda: the cluster does not have keda.sh/v1alpha1/ScaledObject; install KEDA (or, when rendering without a cluster, add --api-versions keda.sh/v1alpha1/ScaledObject)",
    ],
  },
  {
    values: { relay: { config: { drainTimeout: "5s" }, tcp: { config: { admin: { port: 9000 } } } } },
    says: [
      "relay.config.drainTimeout: probes, certificates or the stop depend on it, so the chart has values for it: use relay.drainTimeout",
      "relay.tcp.config.admin: probes, certificates or the stop depend on it, so the chart has values for it: use bindAddress",
    ],
  },
  {
    values: { management: { config: { publicHost: "relay.example" } } },
    says: [
      "management.config.publicHost: probes, certificates or the stop depend on it, so the chart has values for it: use management.publicHost",
    ],
  },
  {
    values: { commonLabels: { "app.kubernetes.io/component": "x" } },
    says: ["commonLabels: app.kubernetes.io/component is what the chart selects pods by"],
  },
];

const DECLARED: readonly Refusal[] = [
  {
    values: { declared: { existingSecret: "mine", keys: [{ id: "alice", port: 8388 }] }, relay: { ports: [{ port: 8388 }] } },
    says: ["declared.keys: declared.existingSecret brings the whole file; put them there, or leave it empty"],
  },
  { values: { declared: { ports: [{ port: 8388 }, { port: 8388 }] } }, says: ["declared.ports: port 8388 is declared twice"] },
  {
    values: { declared: { keys: [{ id: "gateway", port: 8388 }] } },
    says: ["declared.keys: id gateway is declared twice (declared.gateway.keyId counts)"],
  },
  {
    values: { declared: { keys: [{ id: "alice", port: 9999 }] } },
    says: ["declared.keys: port 9999 of key alice is not among declared.ports"],
  },
  {
    values: { declared: { ports: [{ port: 9000 }] } },
    says: [
      "declared.gateway.port: port 8388 is not among declared.ports; add it there, choose one of them, or set declared.gateway.enabled to false",
    ],
  },
];

const METHODS: readonly Refusal[] = [
  {
    values: { declared: { ports: [{ port: 8388, method: "aes-256-cfb" }] } },
    says: [
      "declared.ports: method aes-256-cfb of port 8388 can be tampered with; use chacha20-ietf-poly1305, or set management.allowInsecureCiphers to true",
    ],
  },
  {
    values: { declared: { ports: [{ port: 8388, identityKey: "generate" }] } },
    says: ["declared.ports: method chacha20-ietf-poly1305 of port 8388 has no identity headers; leave identityKey out"],
  },
  {
    values: { declared: { ports: [{ port: 8388, method: "2022-blake3-aes-256-gcm" }], keys: [{ id: "alice", port: 8388 }] } },
    says: [
      "declared.keys: port 8388 has 2 keys (declared.gateway counts), and its method lets it have one; set its identityKey (generate makes one), or give them ports of their own",
    ],
  },
  {
    values: { declared: { ports: [{ port: 8388, method: "2022-blake3-chacha20-poly1305" }], keys: [{ id: "alice", port: 8388 }] } },
    says: [
      "declared.keys: port 8388 has 2 keys (declared.gateway counts), and its method lets it have one; choose another method, or give them ports of their own",
    ],
  },
];

const REDIS: readonly Refusal[] = [
  {
    values: { redis: { external: { url: "redis://redis.example:6379" } } },
    says: ["redis.external: has no effect while redis.enabled is true; set redis.enabled to false to use it"],
  },
  {
    values: { redis: { ...EXTERNAL, external: { url: "redis://redis.example:6379", hosts: ["redis.example:6379"] } } },
    says: ["redis.external: give either url or hosts"],
  },
  {
    values: { redis: EXTERNAL },
    says: ["redis.external: redis.enabled is false, so say where Redis is: url for one server, hosts for the others"],
  },
  {
    values: { redis: { ...EXTERNAL, external: { mode: "cluster", url: "redis://redis.example:6379" } } },
    says: ["redis.external.url: names one server; list those of mode cluster in redis.external.hosts"],
  },
  {
    values: { redis: { ...EXTERNAL, external: { hosts: ["a.example:6379", "b.example:6379"] } } },
    says: ["redis.external.hosts: mode single is one server; set redis.external.mode to sentinel or cluster"],
  },
  {
    values: { redis: { ...EXTERNAL, external: { mode: "sentinel", hosts: ["a.example:26379"] } } },
    says: ["redis.external.sentinelName: required in mode sentinel: what the sentinels call the master"],
  },
  {
    values: { redis: { ...EXTERNAL, external: { url: "redis://redis.example:6379", username: "fleet" } } },
    says: ["redis.external.username: needs a password: name its Secret in redis.auth.existingSecret"],
  },
  {
    values: {
      redis: {
        ...EXTERNAL,
        external: { url: "rediss://redis.example:6379", tls: { enabled: true, existingSecret: "tls", certKey: "tls.crt" } },
      },
    },
    says: ["redis.external.tls: certKey and keyKey belong together"],
  },
  {
    values: { redis: { ...EXTERNAL, external: { url: "rediss://redis.example:6379", tls: { existingSecret: "tls" } } } },
    says: ["redis.external.tls.existingSecret: has no effect until redis.external.tls.enabled is true"],
  },
];

const issuer = { name: "ours" };

const SECRETS: readonly Refusal[] = [
  {
    values: { management: { tls: { existingSecret: "mine", certManager: { enabled: true, issuerRef: issuer } } } },
    says: ["management.tls: existingSecret and certManager.enabled exclude each other"],
  },
  {
    values: {
      management: {
        webhooks: [
          { name: "billing", url: "https://a.example", existingSecret: "a" },
          { name: "billing", url: "https://b.example", existingSecret: "b" },
        ],
      },
    },
    says: ["management.webhooks: billing is listed twice"],
  },
  {
    values: { management: { config: { webhooks: [] } } },
    says: [
      "management.config.webhooks: probes, certificates or the stop depend on it, so the chart has values for it: use management.webhooks",
    ],
  },
  {
    values: { management: { tls: { certManager: { enabled: true } } } },
    says: ["management.tls.certManager.issuerRef.name: required: the Issuer, or with kind ClusterIssuer that one"],
  },
  {
    values: { management: { tls: { systemAuthorities: true } } },
    says: [
      "management.tls.systemAuthorities: a generated certificate is of no public authority; name yours in management.tls.existingSecret, or set it to false",
    ],
  },
  {
    values: { management: { tls: { mutual: { enabled: true, memberExistingSecret: "mine" } } } },
    says: [
      "management.tls.mutual: clientCaExistingSecret and memberExistingSecret belong together: the members' certificate must come from that authority",
    ],
  },
  {
    values: {
      secrets: { generate: false },
      redis: { sealing: { enabled: true } },
      management: { tls: { mutual: { enabled: true } }, http: { enabled: true } },
      declared: {
        ports: [{ port: 8388, method: "2022-blake3-aes-256-gcm", identityKey: "generate" }],
        keys: [{ id: "alice", port: 8388 }],
      },
    },
    says: [
      "management.tokens.existingSecret",
      "management.tls.existingSecret",
      "management.tls.mutual.memberExistingSecret",
      "redis.auth.existingSecret",
      "management.http.links.existingSecret",
      "redis.sealing.existingSecret",
      "declared.gateway.secret (or declared.existingSecret)",
      "declared.keys: secret of key alice",
      "declared.ports: identityKey of port 8388",
    ].map((setting) => `${setting}: required, since secrets.generate is false`),
  },
];

const parentRefs = [{ name: "edge" }];

const OPTIONAL_KINDS: readonly Refusal[] = [
  {
    values: { monitoring: { podMonitor: { enabled: true }, serviceMonitor: { enabled: true } } },
    says: ["monitoring: podMonitor.enabled and serviceMonitor.enabled exclude each other: every pod would be scraped twice"],
  },
  {
    values: { monitoring: { prometheusRule: { enabled: true } } },
    apiVersions: ["monitoring.coreos.com/v1/PodMonitor"],
    says: [
      "monitoring.prometheusRule.enabled: the cluster does not have monitoring.coreos.com/v1/PrometheusRule; install the Prometheus Operator (or, when rendering without a cluster, add --api-versions monitoring.coreos.com/v1/PrometheusRule)",
    ],
  },
  {
    values: { management: { http: { ingress: { enabled: true }, httpRoute: { enabled: true } } } },
    apiVersions: [],
    says: [
      "management.http.httpRoute.enabled: there is nothing to lead to; set management.http.enabled",
      "management.http.ingress.enabled: there is nothing to lead to; set management.http.enabled",
      "management.http.httpRoute: name the Gateway in parentRefs",
      "management.http.httpRoute.enabled: the cluster does not have gateway.networking.k8s.io/v1/HTTPRoute; install the Gateway API (or, when rendering without a cluster, add --api-versions gateway.networking.k8s.io/v1/HTTPRoute)",
    ],
  },
  { values: { gatewayApi: { enabled: true } }, says: ["gatewayApi: name the Gateways in tcpParentRefs and udpParentRefs"] },
  {
    values: { gatewayApi: { enabled: true, tcpParentRefs: parentRefs, udpParentRefs: parentRefs } },
    apiVersions: ["gateway.networking.k8s.io/v1/TCPRoute"],
    says: [
      "gatewayApi.udpParentRefs: the cluster does not have gateway.networking.k8s.io/v1/UDPRoute; install the Gateway API of that version (or, when rendering without a cluster, add --api-versions gateway.networking.k8s.io/v1/UDPRoute)",
    ],
  },
];

export const REFUSALS: readonly Refusal[] = [...RELAY, ...WORKLOADS, ...DECLARED, ...METHODS, ...REDIS, ...SECRETS, ...OPTIONAL_KINDS];

/** Values beside those mistakes that are right. */
export const ADMISSIBLE: readonly object[] = [
  { relay: { layout: "daemonset", ports: [{ port: 9000, hostPort: 443 }] } },
  { relay: { ports: [{ port: 9000, tcpNodePort: 30_000, udpNodePort: 30_001 }], service: { type: "NodePort" } } },
  { relay: { ports: [{ port: 9000, tcpNodePort: 30_000, udpNodePort: 30_000 }], service: { type: "NodePort", mixedProtocol: true } } },
  { relay: { service: { type: "LoadBalancer", loadBalancerClass: "mine" } } },
  { gateway: { enabled: false }, declared: { ports: [{ port: 9000 }] } },
  { declared: { gateway: { enabled: false }, keys: [{ id: "gateway", port: 8388 }] } },
  { redis: { ...EXTERNAL, external: { mode: "sentinel", hosts: ["a.example:26379"], sentinelName: "fleet" } } },
  { relay: { autoscaling: { type: "hpa", minReplicas: 3, maxReplicas: 3 } } },
  {
    declared: { ports: [{ port: 8388, method: "2022-blake3-aes-256-gcm", identityKey: "generate" }], keys: [{ id: "alice", port: 8388 }] },
  },
  { declared: { ports: [{ port: 8388, method: "2022-blake3-chacha20-poly1305" }] } },
  { management: { allowInsecureCiphers: true }, declared: { ports: [{ port: 8388, method: "aes-256-cfb" }] } },
  { relay: { config: { timeouts: { idle: "10m" } } } },
  { declared: { existingSecret: "mine" }, relay: { ports: [{ port: 8388 }] } },
];
