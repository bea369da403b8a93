{{/* A container of the fleet's own. Takes root, workload, container. */}}
{{- define "shadowfleet.container" -}}
{{- $block := index .root.Values .workload.block -}}
{{- $own := include "shadowfleet.containerValues" . | fromYaml -}}
{{- $admin := get (include "shadowfleet.adminPorts" . | fromYaml) .container -}}
- name: {{ .container }}
  image: {{ include "shadowfleet.image" (dict "root" .root "image" $own.image "shared" .root.Values.image) | quote }}
  imagePullPolicy: {{ $own.image.pullPolicy | default .root.Values.image.pullPolicy }}
  args:
    - --config
    - /etc/shadowfleet/config.yaml
    {{- with $own.extraArgs }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- if or .root.Values.telemetry.traces.endpoint $own.extraEnv }}
  env:
    {{- if .root.Values.telemetry.traces.endpoint }}
    {{- include "shadowfleet.traceAttributes" . | nindent 4 }}
    {{- end }}
    {{- with $own.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
  {{- with $own.extraEnvFrom }}
  envFrom:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    {{- include "shadowfleet.containerPorts" . | nindent 4 }}
    - name: {{ $admin.name }}
      containerPort: {{ $admin.port }}
      protocol: TCP
  startupProbe:
    httpGet: { path: /healthz, port: {{ $admin.name }} }
    {{- toYaml $block.startupProbe | nindent 4 }}
  readinessProbe:
    httpGet: { path: /readyz, port: {{ $admin.name }} }
    {{- toYaml $block.readinessProbe | nindent 4 }}
  livenessProbe:
    httpGet: { path: /healthz, port: {{ $admin.name }} }
    {{- toYaml $block.livenessProbe | nindent 4 }}
  resources:
    {{- toYaml $own.resources | nindent 4 }}
  securityContext:
    {{- toYaml $block.securityContext | nindent 4 }}
  volumeMounts:
    - name: config-{{ .container }}
      mountPath: /etc/shadowfleet
      readOnly: true
    - name: secrets
      mountPath: {{ include "shadowfleet.secretsFolder" . }}
      readOnly: true
    {{- with $own.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{/* What a container serves, but its admin port. Every entry has its protocol: lists are merged by number and protocol. Takes root, workload, container. */}}
{{- define "shadowfleet.containerPorts" -}}
{{- if eq .container "management" -}}
- name: grpc
  containerPort: 9190
  protocol: TCP
{{- if .root.Values.management.http.enabled }}
- name: https
  containerPort: 9191
  protocol: TCP
{{- end }}
{{- else if eq .container "gateway" -}}
- name: proxy
  containerPort: 1080
  protocol: TCP
- name: proxy-udp
  containerPort: 1080
  protocol: UDP
{{- else -}}
{{- $transport := .container | trimSuffix "-relay" -}}
{{- $hostPorts := eq .workload.kind "DaemonSet" -}}
{{- $root := .root -}}
{{- range $index, $port := include "shadowfleet.relayPorts" . | fromYamlArray }}
{{- if $index }}{{ "\n" }}{{ end -}}
- name: {{ $transport }}-{{ $port.port }}
  containerPort: {{ $port.port }}
  {{- if and $hostPorts (not (and (eq $transport "tcp") (include "shadowfleet.isCovered" (dict "root" $root "port" $port.port)))) }}
  hostPort: {{ $port.hostPort | default $port.port }}
  {{- end }}
  protocol: {{ upper $transport }}
{{- end }}
{{- end }}
{{- end }}

{{/* Where a span came from, for whoever reads traces of many pods. Takes container. */}}
{{- define "shadowfleet.traceAttributes" -}}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
- name: NODE_NAME
  valueFrom: { fieldRef: { fieldPath: spec.nodeName } }
- name: OTEL_RESOURCE_ATTRIBUTES
  value: k8s.namespace.name=$(POD_NAMESPACE),k8s.pod.name=$(POD_NAME),k8s.node.name=$(NODE_NAME),k8s.container.name={{ .container }}
{{- end }}
