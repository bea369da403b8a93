{{/*
Secrets. What an existing Secret does not bring is generated once for a rendering and, where the cluster has it from an earlier one, kept piece by piece:
`lookup` reads the chart's own Secrets, and only what is missing there is made. The result is kept beside the values, so that every template sees the same.
*/}}

{{/* Where a piece is: the operator's Secret, or the chart's. Takes root, piece. */}}
{{- define "shadowfleet.secretRef" -}}
{{- $v := .root.Values -}}
{{- $tokens := $v.management.tokens -}}
{{- $tls := $v.management.tls -}}
{{- $own := "" -}}{{- $key := "" -}}{{- $suffix := "" -}}
{{- if eq .piece "admin" -}}{{- $own = $tokens.existingSecret -}}{{- $key = $own | empty | ternary "admin.token" $tokens.adminKey -}}{{- $suffix = "tokens" -}}
{{- else if eq .piece "viewer" -}}{{- $own = $tokens.existingSecret -}}{{- $key = $own | empty | ternary "viewer.token" $tokens.viewerKey -}}{{- $suffix = "tokens" -}}
{{- else if eq .piece "member" -}}{{- $own = $tokens.existingSecret -}}{{- $key = $own | empty | ternary "member.token" $tokens.memberKey -}}{{- $suffix = "tokens" -}}
{{- else if eq .piece "server-tls" -}}{{- $own = $tls.existingSecret -}}{{- $key = $own | empty | ternary "ca.crt" $tls.caKey -}}{{- $suffix = "management-tls" -}}
{{- else if eq .piece "member-tls" -}}{{- $own = $tls.mutual.memberExistingSecret -}}{{- $key = "tls.crt" -}}{{- $suffix = "member-tls" -}}
{{- else if eq .piece "client-ca" -}}{{- $own = $tls.mutual.clientCaExistingSecret -}}{{- $key = $own | empty | ternary "ca.crt" $tls.mutual.clientCaKey -}}{{- $suffix = "member-tls" -}}
{{- else if eq .piece "redis" -}}{{- $own = $v.redis.auth.existingSecret -}}{{- $key = $own | empty | ternary "redis-password" $v.redis.auth.key -}}{{- $suffix = "redis-auth" -}}
{{- else if eq .piece "sealing" -}}{{- $own = $v.redis.sealing.existingSecret -}}{{- $key = $own | empty | ternary "sealing-key" $v.redis.sealing.key -}}{{- $suffix = "sealing" -}}
{{- else if eq .piece "links" -}}{{- $own = $v.management.http.links.existingSecret -}}{{- $key = $own | empty | ternary "link-secret" $v.management.http.links.key -}}{{- $suffix = "links" -}}
{{- else if eq .piece "declared" -}}{{- $own = $v.declared.existingSecret -}}{{- $key = $own | empty | ternary "declared.yaml" $v.declared.existingSecretKey -}}{{- $suffix = "declared" -}}
{{- end -}}
name: {{ $own | default (include "shadowfleet.objectName" (dict "root" .root "suffix" $suffix)) | quote }}
key: {{ $key | quote }}
{{- end }}

{{/* Whether the fleet has a password for Redis. Takes root. */}}
{{- define "shadowfleet.hasRedisPassword" -}}
{{- if or .root.Values.redis.enabled .root.Values.redis.auth.existingSecret -}}true{{- end -}}
{{- end }}

{{/* Whether management gives out links to key documents. Takes root. */}}
{{- define "shadowfleet.hasLinks" -}}
{{- $http := .root.Values.management.http -}}
{{- if and $http.enabled $http.doors.sip008 -}}true{{- end -}}
{{- end }}

{{/* The data of one of the chart's own Secrets as the cluster has it, decoded, with its annotations as `.annotations`. Takes root, suffix. */}}
{{- define "shadowfleet.keptSecret" -}}
{{- $secret := lookup "v1" "Secret" .root.Release.Namespace (include "shadowfleet.objectName" .) | default dict -}}
{{- $data := dict -}}
{{- range $key, $value := ($secret.data | default dict) -}}{{- $_ := set $data $key ($value | b64dec) -}}{{- end -}}
{{- dict "data" $data "annotations" (dig "metadata" "annotations" dict $secret) | toJson -}}
{{- end }}

{{/* Everything generated, made when the first template asks: after this, `.Values._generated` maps the suffix of a Secret to its data. */}}
{{- define "shadowfleet.generate" -}}
{{- if not (hasKey .Values "_generated") -}}
{{- $root := . -}}
{{- $made := dict "annotations" dict -}}
{{- $_ := set .Values "_generated" $made -}}
{{- if not .Values.management.tokens.existingSecret -}}
{{- $data := (include "shadowfleet.keptSecret" (dict "root" . "suffix" "tokens") | fromJson).data -}}
{{- $tokens := dict -}}
{{- range list "admin.token" "viewer.token" "member.token" -}}{{- $_ := set $tokens . (get $data . | default (randAlphaNum 40)) -}}{{- end -}}
{{- $_ := set $made "tokens" $tokens -}}
{{- end -}}
{{- if and .Values.redis.enabled (not .Values.redis.auth.existingSecret) -}}
{{- $data := (include "shadowfleet.keptSecret" (dict "root" . "suffix" "redis-auth") | fromJson).data -}}
{{- $_ := set $made "redis-auth" (dict "redis-password" (get $data "redis-password" | default (randAlphaNum 40))) -}}
{{- end -}}
{{- if and .Values.redis.sealing.enabled (not .Values.redis.sealing.existingSecret) -}}
{{- $data := (include "shadowfleet.keptSecret" (dict "root" . "suffix" "sealing") | fromJson).data -}}
{{- $_ := set $made "sealing" (dict "sealing-key" (get $data "sealing-key" | default (randBytes 32))) -}}
{{- end -}}
{{- if and (include "shadowfleet.hasLinks" (dict "root" .)) (not .Values.management.http.links.existingSecret) -}}
{{- $data := (include "shadowfleet.keptSecret" (dict "root" . "suffix" "links") | fromJson).data -}}
{{- $_ := set $made "links" (dict "link-secret" (get $data "link-secret" | default (randAlphaNum 40))) -}}
{{- end -}}
{{- $tls := .Values.management.tls -}}
{{- if not (or $tls.existingSecret $tls.certManager.enabled) -}}
{{- $ips := concat (list "127.0.0.1" "::1") $tls.extraIpAddresses -}}
{{- include "shadowfleet.generateTls" (dict "root" . "suffix" "management-tls" "subject" "shadowfleet-management" "names" (include "shadowfleet.managementNames" . | fromJsonArray) "addresses" $ips) -}}
{{- end -}}
{{- if and $tls.mutual.enabled (not $tls.mutual.memberExistingSecret) -}}
{{- include "shadowfleet.generateTls" (dict "root" . "suffix" "member-tls" "subject" "shadowfleet-member" "names" (list "shadowfleet-member") "addresses" list) -}}
{{- end -}}
{{- if not .Values.declared.existingSecret -}}
{{- include "shadowfleet.generateDeclared" . -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The names management's certificate is for. */}}
{{- define "shadowfleet.managementNames" -}}
{{- $name := include "shadowfleet.objectName" (dict "root" . "suffix" "management") -}}
{{- $ns := .Release.Namespace -}}
{{- concat (list (printf "%s.%s.svc.%s" $name $ns .Values.clusterDomain) (printf "%s.%s.svc" $name $ns) (printf "%s.%s" $name $ns) $name "localhost") .Values.management.tls.extraDnsNames | uniq | toJson -}}
{{- end }}

{{/*
An authority and a certificate. Both are kept, unless one is missing, the certificate is for other names, or its last third has begun; then it is signed
anew by the kept authority, where that has as long to live. Takes root, suffix, subject, names, addresses.
*/}}
{{- define "shadowfleet.generateTls" -}}
{{- $kept := include "shadowfleet.keptSecret" . | fromJson -}}
{{- $data := $kept.data -}}
{{- $days := int .root.Values.management.tls.validityDays -}}
{{- $now := now | unixEpoch | int64 -}}
{{- $late := int64 (mul $days 28800) | add $now -}}
{{- $subjects := concat .names .addresses | join "," | sha256sum | trunc 16 -}}
{{- $annotations := dict "shadowfleet/subjects" $subjects -}}
{{- $same := eq ($kept.annotations | dig "shadowfleet/subjects" $subjects) $subjects -}}
{{- $fresh := gt (int64 ($kept.annotations | dig "shadowfleet/not-after" "99999999999")) (int64 $late) -}}
{{- if and $same $fresh (get $data "ca.crt") (get $data "tls.crt") (get $data "tls.key") -}}
{{- $_ := set .root.Values._generated .suffix (pick $data "ca.crt" "ca.key" "tls.crt" "tls.key") -}}
{{- $_ := set .root.Values._generated.annotations .suffix (merge $annotations (pick $kept.annotations "shadowfleet/not-after" "shadowfleet/ca-not-after")) -}}
{{- else -}}
{{- $caFresh := gt (int64 ($kept.annotations | dig "shadowfleet/ca-not-after" "99999999999")) (int64 (mul $days 86400 | add $now)) -}}
{{- $ca := dict -}}
{{- if and $caFresh (get $data "ca.crt") (get $data "ca.key") -}}
{{- $ca = buildCustomCert (get $data "ca.crt" | b64enc) (get $data "ca.key" | b64enc) -}}
{{- with get $kept.annotations "shadowfleet/ca-not-after" -}}{{- $_ := set $annotations "shadowfleet/ca-not-after" . -}}{{- end -}}
{{- else -}}
{{- $ca = genCA (printf "%s authority" .subject) (int (mul $days 2)) -}}
{{- $_ := set $annotations "shadowfleet/ca-not-after" (mul $days 172800 | add $now | toString) -}}
{{- end -}}
{{- $cert := genSignedCert .subject .addresses .names $days $ca -}}
{{- $_ := set $annotations "shadowfleet/not-after" (mul $days 86400 | add $now | toString) -}}
{{- $_ := set .root.Values._generated .suffix (dict "ca.crt" $ca.Cert "ca.key" $ca.Key "tls.crt" $cert.Cert "tls.key" $cert.Key) -}}
{{- $_ := set .root.Values._generated.annotations .suffix $annotations -}}
{{- end -}}
{{- end }}
