{{/* A SIP003 plugin beside tcp-relay: clients of one port reach it, and it hands them to the relay on loopback. Takes root, workload. */}}
{{- define "shadowfleet.pluginContainer" -}}
{{- $plugin := .root.Values.relay.plugin -}}
- name: plugin
  image: {{ $plugin.image | quote }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  {{- with $plugin.command }}
  command: {{ toJson . }}
  {{- end }}
  {{- with $plugin.args }}
  args: {{ toJson . }}
  {{- end }}
  env:
    - { name: SS_REMOTE_HOST, value: {{ .root.Values.bindAddress | quote }} }
    - { name: SS_REMOTE_PORT, value: {{ $plugin.listenPort | quote }} }
    - { name: SS_LOCAL_HOST, value: "127.0.0.1" }
    - { name: SS_LOCAL_PORT, value: {{ $plugin.port | quote }} }
    {{- with $plugin.options }}
    - { name: SS_PLUGIN_OPTIONS, value: {{ . | quote }} }
    {{- end }}
    {{- with $plugin.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports:
    - name: plugin-{{ $plugin.port }}
      containerPort: {{ $plugin.listenPort }}
      {{- if eq .workload.kind "DaemonSet" }}
      {{- range include "shadowfleet.relayPorts" . | fromYamlArray }}
      {{- if eq (int .port) (int $plugin.port) }}
      hostPort: {{ .hostPort | default .port }}
      {{- end }}
      {{- end }}
      {{- end }}
      protocol: TCP
  resources:
    {{- toYaml $plugin.resources | nindent 4 }}
  securityContext:
    {{- toYaml .root.Values.relay.securityContext | nindent 4 }}
  {{- with $plugin.extraVolumeMounts }}
  volumeMounts:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* Whether TCP of a port goes through the plugin. Takes root, port. */}}
{{- define "shadowfleet.isCovered" -}}
{{- $plugin := .root.Values.relay.plugin -}}
{{- if and $plugin.enabled (eq (int $plugin.port) (int .port)) -}}true{{- end -}}
{{- end }}
