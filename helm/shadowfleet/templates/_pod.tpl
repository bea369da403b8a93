{{/* The pod of a workload. Takes root, workload. */}}
{{- define "shadowfleet.podTemplate" -}}
{{- $root := .root -}}
{{- $workload := .workload -}}
{{- $block := index .root.Values .workload.block -}}
metadata:
  labels:
    {{- include "shadowfleet.podLabels" . | nindent 4 }}
  annotations:
    {{- range .workload.containers }}
    checksum/{{ . }}: {{ include "shadowfleet.configFile" (dict "root" $root "container" .) | sha256sum }}
    {{- end }}
    checksum/secrets: {{ include "shadowfleet.secretsChecksum" . }}
    {{- with $block.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "shadowfleet.serviceAccountName" (dict "root" .root "block" .workload.block) }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with include "shadowfleet.imagePullSecrets" . | trim }}{{ . | nindent 2 }}{{- end }}
  dnsPolicy: {{ $block.dnsPolicy }}
  {{- with $block.dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  terminationGracePeriodSeconds: {{ include "shadowfleet.gracePeriod" $block }}
  securityContext:
    {{- toYaml $block.podSecurityContext | nindent 4 }}
  {{- with $block.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    {{- range .workload.containers }}
    {{- include "shadowfleet.container" (dict "root" $root "workload" $workload "container" .) | nindent 4 }}
    {{- end }}
    {{- if and (has "tcp-relay" .workload.containers) .root.Values.relay.plugin.enabled }}
    {{- include "shadowfleet.pluginContainer" . | nindent 4 }}
    {{- end }}
    {{- with $block.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    {{- range .workload.containers }}
    - name: config-{{ . }}
      {{- include "shadowfleet.configVolume" (dict "root" $root "container" .) | nindent 6 }}
    {{- end }}
    - name: secrets
      projected:
        defaultMode: 288 # 0440
        sources:
          {{- include (eq .workload.block "management" | ternary "shadowfleet.managementSecrets" "shadowfleet.memberSecrets") . | trim | nindent 10 }}
    {{- with $block.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with include "shadowfleet.placement" $block | trim }}{{ . | nindent 2 }}{{- end }}
  {{- with include "shadowfleet.spread" . | trim }}{{ . | nindent 2 }}{{- end }}
{{- end }}

{{/* Takes root, workload. */}}
{{- define "shadowfleet.podLabels" -}}
{{- $labels := include "shadowfleet.selector" (dict "root" .root "component" .workload.component) | fromYaml -}}
{{- if eq .workload.block "relay" -}}{{- $_ := set $labels "shadowfleet/role" "relay" -}}{{- end -}}
{{- toYaml (merge $labels (index .root.Values .workload.block).podLabels .root.Values.commonLabels) -}}
{{- end }}

{{/*
What a process reads only when it starts. Tokens and certificates are not part of it for members, which read them anew with every connection: making new ones must
not end anybody's session. Takes root, workload.
*/}}
{{- define "shadowfleet.secretsChecksum" -}}
{{- include "shadowfleet.generate" .root -}}
{{- $made := .root.Values._generated -}}
{{- $read := pick $made "redis-auth" "sealing" -}}
{{- if eq .workload.block "management" -}}{{- $read = pick $made "redis-auth" "sealing" "tokens" "management-tls" "declared" "links" -}}{{- end -}}
{{- toJson $read | sha256sum -}}
{{- end }}

{{/* Takes root, container. */}}
{{- define "shadowfleet.configVolume" -}}
{{- $name := include "shadowfleet.objectName" (dict "root" .root "suffix" .container) -}}
{{- if and (eq .container "gateway") .root.Values.gateway.users -}}
secret:
  secretName: {{ $name }}-config
  defaultMode: 288 # 0440
{{- else -}}
configMap:
  name: {{ $name }}
{{- end -}}
{{- end }}

{{/* Where a pod may run. Takes a block. */}}
{{- define "shadowfleet.placement" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* How the pods of one revision are spread; a DaemonSet's are already. Takes root, workload. */}}
{{- define "shadowfleet.spread" -}}
{{- $spread := (index .root.Values .workload.block).topologySpread -}}
{{- if eq .workload.kind "DaemonSet" -}}
{{- else if $spread.constraints -}}
{{- /* One without a selector would match no pod. */}}
{{- $own := dict "labelSelector" (dict "matchLabels" (include "shadowfleet.selector" (dict "root" .root "component" .workload.component) | fromYaml)) -}}
topologySpreadConstraints:
  {{- range $spread.constraints }}
  - {{ toJson (hasKey . "labelSelector" | ternary . (merge (dict) $own .)) }}
  {{- end }}
{{- else if not (and (eq $spread.zones "none") (eq $spread.nodes "none")) -}}
topologySpreadConstraints:
  {{- $selector := include "shadowfleet.selector" (dict "root" .root "component" .workload.component) }}
  {{- range $key, $when := dict "topology.kubernetes.io/zone" $spread.zones "kubernetes.io/hostname" $spread.nodes }}
  {{- if ne $when "none" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: {{ $when }}
    labelSelector:
      matchLabels:
        {{- $selector | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
  {{- end }}
{{- end }}
{{- end }}
