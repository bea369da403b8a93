{{/* Rules that several policies have. All take root. */}}

{{/* Also takes services. */}}
{{- define "shadowfleet.scrapeIngress" -}}
{{- $ports := include "shadowfleet.adminPorts" . | fromYaml -}}
- ports:
    {{- range .services }}
    - { port: {{ (get $ports .).name }}, protocol: TCP }
    {{- end }}
  from:
    {{- toYaml .root.Values.networkPolicy.monitoring | nindent 4 }}
{{- end }}

{{- define "shadowfleet.dnsEgress" -}}
- ports:
    {{- range .root.Values.networkPolicy.dnsPorts }}
    - { port: {{ . }}, protocol: UDP }
    - { port: {{ . }}, protocol: TCP }
    {{- end }}
  {{- with .root.Values.networkPolicy.dns }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "shadowfleet.managementEgress" -}}
- to:
    - podSelector:
        matchLabels:
          {{- include "shadowfleet.selector" (dict "root" .root "component" "management") | nindent 10 }}
  ports: [{ port: grpc, protocol: TCP }]
{{- end }}

{{/* Name servers, the store, and the collector of traces. */}}
{{- define "shadowfleet.commonEgress" -}}
{{- $root := .root -}}
{{- $policy := .root.Values.networkPolicy -}}
{{ include "shadowfleet.dnsEgress" . }}
{{- if .root.Values.redis.enabled }}
- to:
    - podSelector:
        matchLabels:
          {{- include "shadowfleet.selector" (dict "root" .root "component" "redis") | nindent 10 }}
  ports: [{ port: redis, protocol: TCP }]
{{- else }}
- ports:
    {{- range include "shadowfleet.externalRedisPorts" . | fromJsonArray }}
    - { port: {{ . }}, protocol: TCP }
    {{- end }}
  {{- with $policy.externalRedis }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- with .root.Values.telemetry.traces.endpoint }}
{{- $url := urlParse . }}
- ports: [{ port: {{ regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (eq $url.scheme "https" | ternary "443" "80") }}, protocol: TCP }]
  to:
    {{- $policy.traces | default (include "shadowfleet.hostPeers" (dict "root" $root "host" $url.hostname) | fromYamlArray) | toYaml | nindent 4 }}
{{- end }}
{{- end }}

{{/* The internet without the private and reserved blocks. Takes root. */}}
{{- define "shadowfleet.publicPeers" -}}
{{- $relay := .root.Values.networkPolicy.relay -}}
- ipBlock: { cidr: 0.0.0.0/0, except: {{ toJson $relay.denied }} }
- ipBlock: { cidr: "2000::/3", except: {{ toJson $relay.deniedIpv6 }} }
{{- end }}

{{/*
Where a host is, as far as its name tells: an address, a Service of this or another namespace, or somewhere in public. A rule that let everybody out to a port anywhere
would let relays into the private networks too. Takes root, host.
*/}}
{{- define "shadowfleet.hostPeers" -}}
{{- $labels := splitList "." .host -}}
{{- if contains ":" .host -}}
- ipBlock: { cidr: "{{ .host | trimPrefix "[" | trimSuffix "]" }}/128" }
{{- else if regexMatch "^[0-9.]+$" .host -}}
- ipBlock: { cidr: {{ .host }}/32 }
{{- else if eq (len $labels) 1 -}}
- podSelector: {}
{{- else if or (eq (len $labels) 2) (eq (index $labels 2) "svc") -}}
- namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: {{ index $labels 1 | quote }} } }
{{- else -}}
{{ include "shadowfleet.publicPeers" . }}
{{- end -}}
{{- end }}

{{/* Sentinels name a master whose port is not known here; Redis' own is assumed. */}}
{{- define "shadowfleet.externalRedisPorts" -}}
{{- $redis := .root.Values.redis.external -}}
{{- $ports := list -}}
{{- range $redis.url | empty | ternary $redis.hosts (list (urlParse $redis.url).host) -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" . | trimPrefix ":" | default "6379" | int) -}}
{{- end -}}
{{- if eq $redis.mode "sentinel" -}}{{- $ports = append $ports 6379 -}}{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end }}
