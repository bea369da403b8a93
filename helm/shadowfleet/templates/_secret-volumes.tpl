{{/* Sources of the folder of secrets: wherever a piece comes from, a service finds it under one name, and sees no piece it has no use for. */}}

{{/* One file. Takes root, piece, path, and optionally key where the piece's Secret has more than one. */}}
{{- define "shadowfleet.secretFile" -}}
{{- $ref := include "shadowfleet.secretRef" . | fromYaml -}}
- secret:
    name: {{ $ref.name }}
    items: [{ key: {{ .key | default $ref.key }}, path: {{ .path }} }]
{{- end }}

{{/* What everyone needs who talks to the store. Takes root. */}}
{{- define "shadowfleet.storeSecrets" -}}
{{- $redis := .root.Values.redis -}}
{{- if include "shadowfleet.hasRedisPassword" . }}
{{ include "shadowfleet.secretFile" (dict "root" .root "piece" "redis" "path" "redis-password") }}
{{- end }}
{{- if $redis.sealing.enabled }}
{{ include "shadowfleet.secretFile" (dict "root" .root "piece" "sealing" "path" "sealing-key") }}
{{- end }}
{{- if not $redis.enabled }}
{{- with $redis.external.sentinelAuth }}
{{- if .existingSecret }}
- secret:
    name: {{ .existingSecret }}
    items: [{ key: {{ .key }}, path: sentinel-password }]
{{- end }}
{{- end }}
{{- with $redis.external.tls }}
{{- if and .enabled .existingSecret }}
- secret:
    name: {{ .existingSecret }}
    items:
      - { key: {{ .caKey }}, path: redis-ca.crt }
      {{- if .certKey }}
      - { key: {{ .certKey }}, path: redis-tls.crt }
      - { key: {{ .keyKey }}, path: redis-tls.key }
      {{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Of relays and gateways. Takes root. */}}
{{- define "shadowfleet.memberSecrets" -}}
{{ include "shadowfleet.secretFile" (dict "root" .root "piece" "member" "path" "member.token") }}
{{- with include "shadowfleet.clientSecrets" . | trim }}{{ printf "\n%s" . }}{{- end }}
{{- include "shadowfleet.storeSecrets" . }}
{{- end }}

{{/* Of whoever calls management. Takes root. */}}
{{- define "shadowfleet.clientSecrets" -}}
{{- $tls := .root.Values.management.tls -}}
{{- if not $tls.systemAuthorities -}}
{{ include "shadowfleet.secretFile" (dict "root" .root "piece" "server-tls" "path" "ca.crt") }}
{{- end }}
{{- if $tls.mutual.enabled }}
{{ include "shadowfleet.secretFile" (dict "root" .root "piece" "member-tls" "path" "member.crt") }}
{{ include "shadowfleet.secretFile" (dict "root" .root "piece" "member-tls" "path" "member.key" "key" "tls.key") }}
{{- end }}
{{- end }}

{{/* Of management. Takes root. */}}
{{- define "shadowfleet.managementSecrets" -}}
{{- range $piece := list "admin" "viewer" "member" }}
{{ include "shadowfleet.secretFile" (dict "root" $.root "piece" $piece "path" (printf "%s.token" $piece)) }}
{{- end }}
{{- range $key := list "tls.crt" "tls.key" }}
{{ include "shadowfleet.secretFile" (dict "root" $.root "piece" "server-tls" "path" $key "key" $key) }}
{{- end }}
{{- if .root.Values.management.tls.mutual.enabled }}
{{ include "shadowfleet.secretFile" (dict "root" .root "piece" "client-ca" "path" "client-ca.crt") }}
{{- end }}
{{ include "shadowfleet.secretFile" (dict "root" .root "piece" "declared" "path" "declared.yaml") }}
{{- if include "shadowfleet.hasLinks" . }}
{{ include "shadowfleet.secretFile" (dict "root" .root "piece" "links" "path" "link-secret") }}
{{- end }}
{{- range $webhook := .root.Values.management.webhooks }}
- secret:
    name: {{ $webhook.existingSecret }}
    items:
      - { key: {{ $webhook.key | default "webhook-secret" }}, path: webhook-{{ $webhook.name }}.secret }
      {{- with $webhook.caKey }}
      - { key: {{ . }}, path: webhook-{{ $webhook.name }}.ca.crt }
      {{- end }}
{{- end }}
{{- include "shadowfleet.storeSecrets" . }}
{{- end }}
