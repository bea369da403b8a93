{{/* What is declared in values, and the gateways' key and upstream, as management's file. Secrets that are left out are generated and kept beside it. */}}

{{/* A secret for a method: base64 of as many bytes as a 2022 key has, else letters and digits. */}}
{{- define "shadowfleet.newKeySecret" -}}
{{- if eq . "2022-blake3-aes-128-gcm" -}}{{ randBytes 16 }}{{- else if hasPrefix "2022-" . -}}{{ randBytes 32 }}{{- else -}}{{ randAlphaNum 40 }}{{- end -}}
{{- end }}

{{- define "shadowfleet.defaultMethod" -}}chacha20-ietf-poly1305{{- end }}

{{- define "shadowfleet.generateDeclared" -}}
{{- $declared := .Values.declared -}}
{{- $kept := (include "shadowfleet.keptSecret" (dict "root" . "suffix" "declared") | fromJson).data -}}
{{- $data := dict -}}
{{- $methods := dict -}}
{{- $identities := dict -}}
{{- $ports := list -}}
{{- range $declared.ports -}}
{{- $number := int .port | toString -}}
{{- $method := .method | default (include "shadowfleet.defaultMethod" $) -}}
{{- $port := merge (dict "port" (int .port) "method" $method) . -}}
{{- if eq (.identityKey | default "") "generate" -}}
{{- $piece := printf "identity-%s" $number -}}
{{- $_ := set $data $piece (get $kept $piece | default (include "shadowfleet.newKeySecret" $method)) -}}
{{- $_ := set $port "identityKey" (get $data $piece) -}}
{{- end -}}
{{- $_ := set $methods $number $method -}}
{{- $_ := set $identities $number ($port.identityKey | default "") -}}
{{- $ports = append $ports $port -}}
{{- end -}}
{{- $keys := list -}}
{{- range $declared.keys -}}
{{- $secret := .secret | default "" -}}
{{- if not $secret -}}
{{- $piece := printf "key-%s" .id -}}
{{- $secret = get $kept $piece | default (include "shadowfleet.newKeySecret" (get $methods (int .port | toString))) -}}
{{- $_ := set $data $piece $secret -}}
{{- end -}}
{{- $keys = append $keys (merge (dict "port" (int .port) "secret" $secret) .) -}}
{{- end -}}
{{- $upstreams := list -}}
{{- if and .Values.gateway.enabled $declared.gateway.enabled -}}
{{- $number := int $declared.gateway.port | toString -}}
{{- $method := get $methods $number | default (include "shadowfleet.defaultMethod" $) -}}
{{- $secret := $declared.gateway.secret -}}
{{- if not $secret -}}
{{- $piece := printf "key-%s" $declared.gateway.keyId -}}
{{- $secret = get $kept $piece | default (include "shadowfleet.newKeySecret" $method) -}}
{{- $_ := set $data $piece $secret -}}
{{- end -}}
{{- $keys = append $keys (dict "id" $declared.gateway.keyId "name" "Gateways of this release" "port" (int $declared.gateway.port) "secret" $secret) -}}
{{- $identity := get $identities $number -}}
{{- $upstreams = append $upstreams (dict "id" $declared.gateway.upstreamId "name" "Relays of this release" "host" (include "shadowfleet.serviceHost" (dict "root" . "suffix" "tcp-relay")) "udpHost" (include "shadowfleet.serviceHost" (dict "root" . "suffix" "udp-relay")) "port" (int $declared.gateway.port) "method" $method "secret" (ternary (printf "%s:%s" $identity $secret) $secret (not (empty $identity)))) -}}
{{- end -}}
{{- $upstreams = concat $upstreams $declared.upstreams | default list -}}
{{- $_ := set $data "declared.yaml" (dict "ports" $ports "keys" $keys "upstreams" $upstreams | toYaml) -}}
{{- $_ := set .Values._generated "declared" $data -}}
{{- end }}
