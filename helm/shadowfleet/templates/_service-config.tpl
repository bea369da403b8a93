{{/* The services' configuration. Secrets are files in /run/secrets/shadowfleet; what `config` says is laid over it and checked by the service itself. */}}

{{- define "shadowfleet.secretsFolder" -}}/run/secrets/shadowfleet{{- end }}

{{/* What every service has. Takes root, container, block. */}}
{{- define "shadowfleet.commonConfig" -}}
{{- $admin := get (include "shadowfleet.adminPorts" . | fromYaml) .container -}}
admin: { host: {{ .root.Values.bindAddress | quote }}, port: {{ $admin.port }} }
log: {{ toJson .root.Values.log }}
drainDelay: {{ (index .root.Values .block).drainDelay }}
drainTimeout: {{ (index .root.Values .block).drainTimeout }}
{{- with .root.Values.telemetry.traces }}
{{- if .endpoint }}
telemetry:
  traces: {{ toJson . }}
{{- end }}
{{- end }}
{{- end }}

{{/* Takes root. */}}
{{- define "shadowfleet.storeConfig" -}}
{{- $redis := .root.Values.redis -}}
{{- $folder := include "shadowfleet.secretsFolder" . -}}
type: redis
keyPrefix: {{ $redis.keyPrefix | quote }}
{{- if $redis.enabled }}
hosts: [{{ printf "%s:6379" (include "shadowfleet.serviceHost" (dict "root" .root "suffix" "redis")) | quote }}]
{{- else }}
{{- with $redis.external }}
mode: {{ .mode }}
{{- if .url }}
url: {{ .url | quote }}
{{- else }}
hosts: {{ toJson .hosts }}
{{- end }}
{{- with .sentinelName }}
sentinelName: {{ . | quote }}
{{- end }}
{{- with .username }}
username: {{ . | quote }}
{{- end }}
{{- if .sentinelAuth.existingSecret }}
sentinelPasswordFile: {{ $folder }}/sentinel-password
{{- end }}
{{- if .tls.enabled }}
{{- if not (or .tls.existingSecret .tls.serverName) }}
tls: {}
{{- else }}
tls:
  {{- if .tls.existingSecret }}
  caFile: {{ $folder }}/redis-ca.crt
  {{- if .tls.certKey }}
  certFile: {{ $folder }}/redis-tls.crt
  keyFile: {{ $folder }}/redis-tls.key
  {{- end }}
  {{- end }}
  {{- with .tls.serverName }}
  serverName: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if include "shadowfleet.hasRedisPassword" . }}
passwordFile: {{ $folder }}/redis-password
{{- end }}
{{- if $redis.sealing.enabled }}
sealingKeyFile: {{ $folder }}/sealing-key
{{- end }}
{{- end }}

{{/* How members reach management and the store. Takes root. */}}
{{- define "shadowfleet.fleetConfig" -}}
{{- $tls := .root.Values.management.tls -}}
{{- $folder := include "shadowfleet.secretsFolder" . -}}
management:
  addresses: [{{ include "shadowfleet.managementAddress" . | quote }}]
  tokenFile: {{ $folder }}/member.token
  {{- $client := dict -}}
  {{- if not $tls.systemAuthorities -}}{{- $_ := set $client "caFile" (printf "%s/ca.crt" $folder) -}}{{- end -}}
  {{- if $tls.mutual.enabled -}}{{- $_ := set $client "certFile" (printf "%s/member.crt" $folder) -}}{{- $_ := set $client "keyFile" (printf "%s/member.key" $folder) -}}{{- end -}}
  {{- if $tls.serverName -}}{{- $_ := set $client "serverName" $tls.serverName -}}{{- end }}
  tls: {{ toJson $client }}
store:
  {{- include "shadowfleet.storeConfig" . | nindent 2 }}
{{- end }}

{{- define "shadowfleet.managementAddress" -}}
{{- printf "%s:%d" (include "shadowfleet.serviceHost" (dict "root" .root "suffix" "management")) (int .root.Values.management.service.port) -}}
{{- end }}

{{- define "shadowfleet.config.management" -}}
{{- $v := .root.Values -}}
{{- $folder := include "shadowfleet.secretsFolder" . -}}
{{ include "shadowfleet.commonConfig" . }}
grpc:
  host: {{ $v.bindAddress | quote }}
  port: 9190
  tls:
    certFile: {{ $folder }}/tls.crt
    keyFile: {{ $folder }}/tls.key
    {{- if $v.management.tls.mutual.enabled }}
    clientCaFile: {{ $folder }}/client-ca.crt
    {{- end }}
  tokens:
    - { name: admin, role: admin, tokenFile: {{ $folder }}/admin.token }
    - { name: viewer, role: viewer, tokenFile: {{ $folder }}/viewer.token }
    - { name: members, role: relay, tokenFile: {{ $folder }}/member.token }
{{- with $v.management.http }}
{{- if .enabled }}
http:
  enabled: true
  host: {{ $v.bindAddress | quote }}
  port: 9191
  tls: { certFile: {{ $folder }}/tls.crt, keyFile: {{ $folder }}/tls.key }
  publicUrl: {{ .publicUrl | default (printf "https://%s:%d" (include "shadowfleet.serviceHost" (dict "root" $.root "suffix" "management")) (int .port)) | quote }}
  trustedProxies: {{ toJson .trustedProxies }}
  doors: {{ toJson .doors }}
  {{- if include "shadowfleet.hasLinks" $ }}
  linkSecretFile: {{ $folder }}/link-secret
  {{- end }}
{{- end }}
{{- end }}
store:
  {{- include "shadowfleet.storeConfig" . | nindent 2 }}
publicHost: {{ $v.management.publicHost | default (include "shadowfleet.relayHost" .) | quote }}
defaults: {{ toJson $v.management.defaults }}
allowInsecureCiphers: {{ $v.management.allowInsecureCiphers }}
declaredFile: {{ $folder }}/declared.yaml
{{- with $v.management.webhooks }}
webhooks:
  {{- range . }}
  - name: {{ .name | quote }}
    url: {{ .url | quote }}
    secretFile: {{ $folder }}/webhook-{{ .name }}.secret
    {{- if .caKey }}
    caFile: {{ $folder }}/webhook-{{ .name }}.ca.crt
    {{- end }}
    {{- with .types }}
    types: {{ toJson . }}
    {{- end }}
    {{- with .timeout }}
    timeout: {{ . }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "shadowfleet.config.relay" -}}
{{ include "shadowfleet.commonConfig" . }}
allowInsecureCiphers: {{ .root.Values.management.allowInsecureCiphers }}
fleet:
  {{- include "shadowfleet.fleetConfig" . | nindent 2 }}
{{- end }}

{{- define "shadowfleet.config.gateway" -}}
{{ include "shadowfleet.commonConfig" . }}
listen: { host: {{ .root.Values.bindAddress | quote }}, port: 1080 }
policy: {{ .root.Values.gateway.policy }}
allowInsecureCiphers: {{ .root.Values.management.allowInsecureCiphers }}
{{- with .root.Values.gateway.users }}
users: {{ toJson . }}
{{- end }}
fleet:
  {{- include "shadowfleet.fleetConfig" . | nindent 2 }}
{{- end }}

{{/* A container's config.yaml. Takes root, container. */}}
{{- define "shadowfleet.configFile" -}}
{{- $relay := hasSuffix "-relay" .container -}}
{{- $block := $relay | ternary "relay" .container -}}
{{- $own := include "shadowfleet.containerValues" . | fromYaml -}}
{{- $config := include (printf "shadowfleet.config.%s" $block) (merge (dict "block" $block) .) | fromYaml -}}
{{- $config = mergeOverwrite $config (deepCopy (index .root.Values $block).config) ($own.config | default dict) -}}
{{- if and $relay (include "shadowfleet.hasTest" .) -}}
{{- $targets := $config.targets | default dict -}}
{{- $allowed := append ($targets.allow | default list) (include "shadowfleet.serviceHost" (dict "root" .root "suffix" "test")) | uniq -}}
{{- $_ := set $config "targets" (set $targets "allow" $allowed) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end }}

{{/* Whether `helm test` can pass traffic. Takes root. */}}
{{- define "shadowfleet.hasTest" -}}
{{- if and .root.Values.tests.enabled .root.Values.gateway.enabled -}}true{{- end -}}
{{- end }}
