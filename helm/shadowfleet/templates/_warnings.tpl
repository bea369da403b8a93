{{/* What works, and may not be meant: sentences for NOTES.txt, as a YAML list. Takes root. */}}
{{- define "shadowfleet.warnings" -}}
{{- $v := .root.Values -}}
{{- $found := list -}}
{{- $outside := or (eq $v.relay.layout "daemonset") (and $v.relay.service.enabled (ne $v.relay.service.type "ClusterIP")) -}}
{{- if and $outside (not $v.management.publicHost) -}}
{{- $found = append $found "management.publicHost is empty: ss:// URIs name the relays' address inside of the cluster. Set it to what clients connect to." -}}
{{- end -}}
{{- if and (ne $v.relay.service.type "ClusterIP") (eq $v.relay.service.externalTrafficPolicy "Cluster") -}}
{{- $found = append $found "relay.service.externalTrafficPolicy is Cluster: relays see addresses of nodes in place of clients, and those share one budget against probes." -}}
{{- end -}}
{{- if and $v.gateway.enabled (ne $v.gateway.service.type "ClusterIP") -}}
{{- if not $v.gateway.users -}}{{- $found = append $found "gateway.service is reachable from outside and gateway.users is empty: whoever reaches it may use it." -}}{{- end -}}
{{- if and $v.networkPolicy.enabled $v.networkPolicy.gateway.clients -}}{{- $found = append $found "gateway.service is reachable from outside, but networkPolicy.gateway.clients lets in only some: add an ipBlock, or set it to []." -}}{{- end -}}
{{- end -}}
{{- if and (ne $v.management.service.type "ClusterIP") $v.networkPolicy.enabled $v.networkPolicy.management.clients -}}
{{- $found = append $found "management.service is reachable from outside, but networkPolicy.management.clients lets in only some: add an ipBlock, or set it to []." -}}
{{- end -}}
{{- if not $v.networkPolicy.enabled -}}
{{- $found = append $found "networkPolicy.enabled is false: what relays must not reach inside of the cluster is up to their own guard alone." -}}
{{- end -}}
{{- if and $v.networkPolicy.enabled (not $v.redis.enabled) (not $v.networkPolicy.externalRedis) -}}
{{- $found = append $found "networkPolicy.externalRedis is empty: policies let relays, gateways and management reach Redis' ports anywhere. Say where Redis is." -}}
{{- end -}}
{{- if $v.relay.config.allowPrivateTargets -}}
{{- $found = append $found "relay.config.allowPrivateTargets is true: whoever has an access key reaches the cluster's network." -}}
{{- end -}}
{{- if $v.management.allowInsecureCiphers -}}
{{- $found = append $found "management.allowInsecureCiphers is true: ports may use ciphers that anyone on the way can tamper with." -}}
{{- end -}}
{{- if and $v.redis.enabled (not $v.redis.persistence.enabled) -}}
{{- $found = append $found "redis.persistence.enabled is false: keys made at run time and all counters are gone with Redis' pod." -}}
{{- end -}}
{{- if $v.redis.enabled -}}
{{- $found = append $found "Redis is one pod. While it is away traffic goes on and counts wait, but nothing can be changed; for production use redis.external." -}}
{{- end -}}
{{- if and $v.redis.sealing.enabled (not $v.redis.sealing.existingSecret) -}}
{{- $found = append $found (printf "Keep a copy of Secret %s: without it nothing opens the keys in Redis. It stays when the release is uninstalled." (include "shadowfleet.objectName" (dict "root" .root "suffix" "sealing"))) -}}
{{- end -}}
{{- if and $v.declared.existingSecret $v.gateway.enabled -}}
{{- $found = append $found (printf "declared.existingSecret must declare an access key, and an upstream with it: host %s, udpHost %s. Or the gateways have nowhere to go." (include "shadowfleet.serviceHost" (dict "root" .root "suffix" "tcp-relay")) (include "shadowfleet.serviceHost" (dict "root" .root "suffix" "udp-relay"))) -}}
{{- end -}}
{{- range include "shadowfleet.relayPorts" . | fromYamlArray -}}
{{- if lt (int .port) 1024 -}}{{- $found = append $found (printf "Port %d: relays run without privileges, so it needs nodes where net.ipv4.ip_unprivileged_port_start is lower." (int .port)) -}}{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end }}
