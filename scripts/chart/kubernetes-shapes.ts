import {
  address,
  anything,
  atLeast,
  block,
  choice,
  either,
  exactly,
  flag,
  integer,
  listOf,
  mapOf,
  nameLabel,
  objectName,
  optional,
  orNull,
  port,
  quantity,
  type Shape,
  scrapeInterval,
  text,
} from "./shapes.ts";

/** Kubernetes' own shapes, as far as a typo in them can be told without its schema. */

export const labels = mapOf(text);
export const annotations = mapOf(text);

export const labelSelector = exactly({
  matchLabels: labels,
  matchExpressions: listOf(
    exactly({ key: text, operator: choice("In", "NotIn", "Exists", "DoesNotExist"), values: listOf(text) }, ["key", "operator"]),
  ),
});

const amounts = mapOf(quantity);
export const resources = exactly({ requests: amounts, limits: amounts, claims: listOf(anything) });

const probeTimes: Readonly<Record<string, Shape>> = {
  initialDelaySeconds: integer(0),
  periodSeconds: integer(1),
  timeoutSeconds: integer(1),
  failureThreshold: integer(1),
};
export const readinessProbe = exactly({ ...probeTimes, successThreshold: integer(1) });
export const livenessProbe = exactly({ ...probeTimes, terminationGracePeriodSeconds: integer(1) });

const seccompProfile = exactly({ type: choice("RuntimeDefault", "Unconfined", "Localhost"), localhostProfile: text }, ["type"]);
const appArmorProfile = exactly({ type: choice("RuntimeDefault", "Unconfined", "Localhost"), localhostProfile: text }, ["type"]);
const seLinuxOptions = exactly({ level: text, role: text, type: text, user: text });
const users: Readonly<Record<string, Shape>> = {
  runAsNonRoot: orNull(flag),
  runAsUser: orNull(integer(0)),
  runAsGroup: orNull(integer(0)),
  seccompProfile,
  appArmorProfile,
  seLinuxOptions,
};
export const podSecurityContext = exactly({
  ...users,
  fsGroup: orNull(integer(0)),
  fsGroupChangePolicy: choice("OnRootMismatch", "Always"),
  supplementalGroups: listOf(integer(0)),
  supplementalGroupsPolicy: choice("Merge", "Strict"),
  sysctls: listOf(exactly({ name: text, value: text }, ["name", "value"])),
});
export const securityContext = exactly({
  ...users,
  allowPrivilegeEscalation: flag,
  readOnlyRootFilesystem: flag,
  privileged: flag,
  procMount: text,
  capabilities: exactly({ add: listOf(text), drop: listOf(text) }),
});

export const tolerations = listOf(
  exactly({
    key: text,
    operator: choice("Exists", "Equal"),
    value: text,
    effect: choice("NoSchedule", "PreferNoSchedule", "NoExecute"),
    tolerationSeconds: integer(0),
  }),
);
export const affinity = exactly({ nodeAffinity: anything, podAffinity: anything, podAntiAffinity: anything });
export const spreadConstraints = listOf(
  exactly(
    {
      maxSkew: integer(1),
      minDomains: integer(1),
      topologyKey: text,
      whenUnsatisfiable: choice("DoNotSchedule", "ScheduleAnyway"),
      labelSelector,
      matchLabelKeys: listOf(text),
      nodeAffinityPolicy: choice("Honor", "Ignore"),
      nodeTaintsPolicy: choice("Honor", "Ignore"),
    },
    ["maxSkew", "topologyKey", "whenUnsatisfiable"],
  ),
);

export const dnsConfig = exactly({
  nameservers: listOf(address),
  searches: listOf(text),
  options: listOf(exactly({ name: text, value: text }, ["name"])),
});

export const environment = listOf(exactly({ name: text, value: text, valueFrom: anything }, ["name"]));
const source = exactly({ name: objectName, optional: flag }, ["name"]);
export const environmentSources = listOf(exactly({ prefix: text, configMapRef: source, secretRef: source }));
export const volumes = listOf(atLeast({ name: nameLabel }, ["name"]));
export const volumeMounts = listOf(
  exactly(
    {
      name: nameLabel,
      mountPath: text,
      subPath: text,
      subPathExpr: text,
      readOnly: flag,
      recursiveReadOnly: text,
      mountPropagation: text,
    },
    ["name", "mountPath"],
  ),
);
export const containers = listOf(atLeast({ name: nameLabel, image: text }, ["name", "image"]));

const ports = listOf(exactly({ port: either(port, text), endPort: port, protocol: choice("TCP", "UDP", "SCTP") }));
export const peers = listOf({
  ...exactly({
    podSelector: labelSelector,
    namespaceSelector: labelSelector,
    ipBlock: exactly({ cidr: block, except: listOf(block) }, ["cidr"]),
  }),
  minProperties: 1,
});
export const egressRules = listOf(exactly({ to: peers, ports }));
export const ingressRules = listOf(exactly({ from: peers, ports }));

export const scalingMetrics = listOf(atLeast({ type: choice("Resource", "ContainerResource", "Pods", "Object", "External") }, ["type"]));
const scalingRules = exactly({
  stabilizationWindowSeconds: integer(0, 3600),
  selectPolicy: choice("Max", "Min", "Disabled"),
  policies: listOf(
    exactly({ type: choice("Pods", "Percent"), value: integer(1), periodSeconds: integer(1, 1800) }, ["type", "value", "periodSeconds"]),
  ),
});
export const scalingBehavior = exactly({ scaleUp: scalingRules, scaleDown: scalingRules });
export const kedaTriggers = listOf(
  exactly(
    {
      type: text,
      name: text,
      metadata: labels,
      metricType: choice("AverageValue", "Value", "Utilization"),
      useCachedMetrics: flag,
      authenticationRef: exactly({ name: text, kind: text }, ["name"]),
    },
    ["type", "metadata"],
  ),
);

export const parentRefs = listOf(
  exactly({ group: text, kind: text, namespace: nameLabel, name: objectName, sectionName: text, port }, ["name"]),
);
export const issuerRef = exactly({ name: objectName, kind: text, group: text });

export const monitor: Readonly<Record<string, Shape>> = {
  enabled: flag,
  interval: scrapeInterval,
  labels,
  namespace: optional(nameLabel),
  relabelings: listOf(anything),
  metricRelabelings: listOf(anything),
};
