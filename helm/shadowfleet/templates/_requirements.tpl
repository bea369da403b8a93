{{/*
What values.schema.json cannot say: values that do not go together, and what the cluster must have. Each check adds a sentence that names the value and
says what to do; all of them are reported at once. Takes root, problems (a dict with a list `found`).
*/}}

{{- define "shadowfleet.problem" -}}
{{- $_ := set .problems "found" (append .problems.found .text) -}}
{{- end }}

{{- define "shadowfleet.checkRelay" -}}
{{- $problems := .problems -}}{{- $relay := .root.Values.relay -}}
{{- if eq $relay.layout "daemonset" -}}
{{- if ne $relay.autoscaling.type "none" -}}
{{- include "shadowfleet.problem" (dict "problems" $problems "text" "relay.autoscaling.type: a DaemonSet has one pod a node; set it to none, or relay.layout to pod or split") -}}
{{- end -}}
{{- end -}}
{{- $numbers := list -}}
{{- range $relay.ports -}}
{{- $number := int .port -}}
{{- if has $number $numbers -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "relay.ports: port %d is listed twice" $number)) -}}{{- end -}}
{{- $numbers = append $numbers $number -}}
{{- if and .hostPort (ne $relay.layout "daemonset") -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "relay.ports: hostPort of port %d needs relay.layout: daemonset" $number)) -}}{{- end -}}
{{- if and (or .tcpNodePort .udpNodePort) (or (not $relay.service.enabled) (eq $relay.service.type "ClusterIP")) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "relay.ports: node ports of port %d need relay.service.type NodePort or LoadBalancer" $number)) -}}{{- end -}}
{{- end -}}
{{- $taken := list -}}
{{- range $port := $relay.ports -}}
{{- /* A cluster gives a node port to one Service, which alone may have it for both protocols. */ -}}
{{- $wanted := compact (list $port.tcpNodePort $port.udpNodePort) -}}
{{- range $relay.service.mixedProtocol | ternary (uniq $wanted) $wanted -}}
{{- if has (int .) $taken -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "relay.ports: node port %d is wanted twice, and a cluster gives a number to one Service only; choose two, or one Service for both protocols of a port with relay.service.mixedProtocol" (int .))) -}}{{- end -}}
{{- $taken = append $taken (int .) -}}
{{- end -}}
{{- end -}}
{{- $exposed := list -}}
{{- range include "shadowfleet.relayPorts" . | fromYamlArray -}}
{{- $exposed = append $exposed (int .port) -}}
{{- if has (int .port) (list 9101 9102) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "port %d is an admin port of the relays: choose another one" (int .port))) -}}{{- end -}}
{{- end -}}
{{- if not $exposed -}}
{{- include "shadowfleet.problem" (dict "problems" $problems "text" "relay.ports: the relays have no port; list those of declared.existingSecret, or those you will make at run time") -}}
{{- end -}}
{{- with $relay.plugin -}}
{{- if .enabled -}}
{{- if not .image -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" "relay.plugin.image: which image has the plugin?") -}}{{- end -}}
{{- if not (has (int .port) $exposed) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "relay.plugin.port: %d is none of the relays' ports" (int .port))) -}}{{- end -}}
{{- if has (int .listenPort) (concat $exposed (list 9101 9102)) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "relay.plugin.listenPort: %d is taken in the pod; choose another one" (int .listenPort))) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- include "shadowfleet.checkLoadBalancer" (dict "problems" $problems "path" "relay.service" "service" $relay.service) -}}
{{- include "shadowfleet.checkMixedService" . -}}
{{- end }}

{{/*
Helm 3 changes ports of a Service by a merge that goes by number alone, so of a number with two protocols one gets lost (kubernetes/kubernetes#39188). New Services are fine.
Takes root, problems.
*/}}
{{- define "shadowfleet.checkMixedService" -}}
{{- $service := .root.Values.relay.service -}}
{{- if and $service.enabled $service.mixedProtocol (hasPrefix "v3." .root.Capabilities.HelmVersion.Version) -}}
{{- $name := include "shadowfleet.objectName" (dict "root" .root "suffix" "relay-public") -}}
{{- $live := lookup "v1" "Service" .root.Release.Namespace $name -}}
{{- if $live -}}
{{- $there := dict -}}
{{- range $live.spec.ports -}}{{- $_ := set $there (printf "%d/%s" (int .port) .protocol) (int .nodePort) -}}{{- end -}}
{{- $wanted := list -}}
{{- $same := true -}}
{{- range $port := include "shadowfleet.relayPorts" . | fromYamlArray -}}
{{- range $protocol := list "TCP" "UDP" -}}
{{- $entry := printf "%d/%s" (int $port.port) $protocol -}}
{{- $wanted = append $wanted $entry -}}
{{- $nodePort := get $port (printf "%sNodePort" (lower $protocol)) -}}
{{- if and $nodePort (ne (int $nodePort) (int (get $there $entry))) -}}{{- $same = false -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if or (not $same) (ne (keys $there | sortAlpha | join ",") ($wanted | sortAlpha | join ",")) -}}
{{- include "shadowfleet.problem" (dict "problems" .problems "text" (printf "relay.service.mixedProtocol: Helm 3 cannot change the ports of Service %s, it would lose one of two protocols; use Helm 4, or delete that Service first" $name)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "shadowfleet.checkLoadBalancer" -}}
{{- $problems := .problems -}}{{- $path := .path -}}{{- $service := .service -}}
{{- if ne $service.type "LoadBalancer" -}}
{{- range $setting := list "loadBalancerClass" "loadBalancerIP" "loadBalancerSourceRanges" -}}
{{- if get $service $setting -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "%s.%s: has no effect with type %s; set %s.type to LoadBalancer" $path $setting $service.type $path)) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (eq $service.type "ClusterIP") (get $service "nodePort") -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "%s.nodePort: needs %s.type NodePort or LoadBalancer" $path $path)) -}}{{- end -}}
{{- end }}

{{- define "shadowfleet.checkWorkloads" -}}
{{- $problems := .problems -}}{{- $root := .root -}}
{{- range $block := list "management" "relay" "gateway" -}}
{{- $values := index $root.Values $block -}}
{{- $scaling := $values.autoscaling -}}
{{- if ne $scaling.type "none" -}}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "%s.autoscaling: minReplicas %d is more than maxReplicas %d" $block (int $scaling.minReplicas) (int $scaling.maxReplicas))) -}}{{- end -}}
{{- $more := eq $scaling.type "hpa" | ternary $scaling.metrics $scaling.keda.triggers -}}
{{- if and (kindIs "invalid" $scaling.targetCpu) (kindIs "invalid" $scaling.targetMemory) (not $more) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "%s.autoscaling: nothing to go by; set targetCpu, targetMemory, %s" $block (eq $scaling.type "hpa" | ternary "or metrics" "or keda.triggers"))) -}}{{- end -}}
{{- if eq $scaling.type "keda" -}}{{- include "shadowfleet.needApi" (dict "root" $root "problems" $problems "path" (printf "%s.autoscaling.type: keda" $block) "api" "keda.sh/v1alpha1/ScaledObject" "install" "KEDA") -}}{{- end -}}
{{- end -}}
{{- $settings := dict "admin" "bindAddress" "drainDelay" (printf "%s.drainDelay" $block) "drainTimeout" (printf "%s.drainTimeout" $block) "log" "log" "telemetry" "telemetry" -}}
{{- if eq $block "management" -}}{{- $settings = merge $settings (dict "grpc" "management.tls and management.tokens" "store" "redis" "publicHost" "management.publicHost" "declared" "declared" "declaredFile" "declared" "allowInsecureCiphers" "management.allowInsecureCiphers" "http" "management.http" "webhooks" "management.webhooks") -}}
{{- else -}}{{- $settings = merge $settings (dict "fleet" "management and redis" "allowInsecureCiphers" "management.allowInsecureCiphers") -}}{{- end -}}
{{- if eq $block "gateway" -}}{{- $settings = merge $settings (dict "listen" "bindAddress" "users" "gateway.users" "policy" "gateway.policy") -}}{{- end -}}
{{- $layers := dict (printf "%s.config" $block) $values.config -}}
{{- if eq $block "relay" -}}{{- $_ := set $layers "relay.tcp.config" $values.tcp.config -}}{{- $_ := set $layers "relay.udp.config" $values.udp.config -}}{{- end -}}
{{- range $path, $config := $layers -}}
{{- range $key, $_ := $config -}}
{{- with get $settings $key -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "%s.%s: probes, certificates or the stop depend on it, so the chart has values for it: use %s" $path $key .)) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $key, $_ := $root.Values.commonLabels -}}
{{- if has $key (list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "shadowfleet/role") -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "commonLabels: %s is what the chart selects pods by" $key)) -}}{{- end -}}
{{- end -}}
{{- end }}

{{- define "shadowfleet.checkDeclared" -}}
{{- $problems := .problems -}}{{- $root := .root -}}{{- $declared := .root.Values.declared -}}{{- $single := dict -}}
{{- if $declared.existingSecret -}}
{{- range $list := list "keys" "upstreams" -}}
{{- if get $declared $list -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "declared.%s: declared.existingSecret brings the whole file; put them there, or leave it empty" $list)) -}}{{- end -}}
{{- end -}}
{{- else -}}
{{- $ports := list -}}
{{- range $declared.ports -}}
{{- $number := int .port -}}
{{- if has $number $ports -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "declared.ports: port %d is declared twice" $number)) -}}{{- end -}}
{{- $ports = append $ports $number -}}
{{- $method := .method | default (include "shadowfleet.defaultMethod" $) -}}
{{- if and (not $root.Values.management.allowInsecureCiphers) (not (regexMatch "-gcm$|-poly1305$" $method)) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "declared.ports: method %s of port %d can be tampered with; use chacha20-ietf-poly1305, or set management.allowInsecureCiphers to true" $method $number)) -}}{{- end -}}
{{- $identity := and (hasPrefix "2022-" $method) (hasSuffix "-gcm" $method) -}}
{{- if and .identityKey (not $identity) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "declared.ports: method %s of port %d has no identity headers; leave identityKey out" $method $number)) -}}{{- end -}}
{{- if or (and $identity (not .identityKey)) (eq $method "2022-blake3-chacha20-poly1305") (not (regexMatch "-gcm$|-poly1305$" $method)) -}}{{- $_ := set $single ($number | toString) ($identity | ternary "set its identityKey (generate makes one)" "choose another method") -}}{{- end -}}
{{- end -}}
{{- range $number, $count := include "shadowfleet.declaredKeyCounts" $ | fromJson -}}
{{- if and (gt (int $count) 1) (hasKey $single $number) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "declared.keys: port %s has %d keys (declared.gateway counts), and its method lets it have one; %s, or give them ports of their own" $number (int $count) (get $single $number))) -}}{{- end -}}
{{- end -}}
{{- $ids := and .root.Values.gateway.enabled $declared.gateway.enabled | ternary (list $declared.gateway.keyId) list -}}
{{- range $declared.keys -}}
{{- if has .id $ids -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "declared.keys: id %s is declared twice (declared.gateway.keyId counts)" .id)) -}}{{- end -}}
{{- $ids = append $ids .id -}}
{{- if not (has (int .port) $ports) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "declared.keys: port %d of key %s is not among declared.ports" (int .port) .id)) -}}{{- end -}}
{{- end -}}
{{- if and .root.Values.gateway.enabled $declared.gateway.enabled (not (has (int $declared.gateway.port) $ports)) -}}
{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "declared.gateway.port: port %d is not among declared.ports; add it there, choose one of them, or set declared.gateway.enabled to false" (int $declared.gateway.port))) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* How many keys each declared port has. Takes root. */}}
{{- define "shadowfleet.declaredKeyCounts" -}}
{{- $declared := .root.Values.declared -}}
{{- $counts := dict -}}
{{- range $declared.keys -}}{{- $_ := set $counts (int .port | toString) (get $counts (int .port | toString) | default 0 | add1) -}}{{- end -}}
{{- if and .root.Values.gateway.enabled $declared.gateway.enabled -}}
{{- $number := int $declared.gateway.port | toString -}}
{{- $_ := set $counts $number (get $counts $number | default 0 | add1) -}}
{{- end -}}
{{- toJson $counts -}}
{{- end }}

{{- define "shadowfleet.checkRedis" -}}
{{- $problems := .problems -}}{{- $redis := .root.Values.redis -}}{{- $external := $redis.external -}}
{{- if $redis.enabled -}}
{{- if or $external.url $external.hosts -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" "redis.external: has no effect while redis.enabled is true; set redis.enabled to false to use it") -}}{{- end -}}
{{- else -}}
{{- if and $external.url $external.hosts -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" "redis.external: give either url or hosts") -}}{{- end -}}
{{- if not (or $external.url $external.hosts) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" "redis.external: redis.enabled is false, so say where Redis is: url for one server, hosts for the others") -}}{{- end -}}
{{- if and $external.url (ne $external.mode "single") -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "redis.external.url: names one server; list those of mode %s in redis.external.hosts" $external.mode)) -}}{{- end -}}
{{- if and (eq $external.mode "single") (gt (len $external.hosts) 1) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" "redis.external.hosts: mode single is one server; set redis.external.mode to sentinel or cluster") -}}{{- end -}}
{{- if and (eq $external.mode "sentinel") (not $external.sentinelName) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" "redis.external.sentinelName: required in mode sentinel: what the sentinels call the master") -}}{{- end -}}
{{- if and $external.username (not $redis.auth.existingSecret) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" "redis.external.username: needs a password: name its Secret in redis.auth.existingSecret") -}}{{- end -}}
{{- if ne (empty $external.tls.certKey) (empty $external.tls.keyKey) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" "redis.external.tls: certKey and keyKey belong together") -}}{{- end -}}
{{- if and $external.tls.existingSecret (not $external.tls.enabled) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" "redis.external.tls.existingSecret: has no effect until redis.external.tls.enabled is true") -}}{{- end -}}
{{- end -}}
{{- end }}

{{- define "shadowfleet.checkSecrets" -}}
{{- $problems := .problems -}}{{- $v := .root.Values -}}{{- $tls := $v.management.tls -}}
{{- $webhooks := list -}}
{{- range $v.management.webhooks -}}
{{- if has .name $webhooks -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "management.webhooks: %s is listed twice" .name)) -}}{{- end -}}
{{- $webhooks = append $webhooks .name -}}
{{- end -}}
{{- if and $tls.existingSecret $tls.certManager.enabled -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" "management.tls: existingSecret and certManager.enabled exclude each other") -}}{{- end -}}
{{- if $tls.certManager.enabled -}}
{{- include "shadowfleet.needApi" (dict "root" .root "problems" $problems "path" "management.tls.certManager.enabled" "api" "cert-manager.io/v1/Certificate" "install" "cert-manager") -}}
{{- if not $tls.certManager.issuerRef.name -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" "management.tls.certManager.issuerRef.name: required: the Issuer, or with kind ClusterIssuer that one") -}}{{- end -}}
{{- end -}}
{{- if and $tls.systemAuthorities (not $tls.existingSecret) (not $tls.certManager.enabled) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" "management.tls.systemAuthorities: a generated certificate is of no public authority; name yours in management.tls.existingSecret, or set it to false") -}}{{- end -}}
{{- if $tls.mutual.enabled -}}
{{- if ne (empty $tls.mutual.clientCaExistingSecret) (empty $tls.mutual.memberExistingSecret) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" "management.tls.mutual: clientCaExistingSecret and memberExistingSecret belong together: the members' certificate must come from that authority") -}}{{- end -}}
{{- end -}}
{{- if not $v.secrets.generate -}}
{{- $missing := list -}}
{{- if not $v.management.tokens.existingSecret -}}{{- $missing = append $missing "management.tokens.existingSecret" -}}{{- end -}}
{{- if not (or $tls.existingSecret $tls.certManager.enabled) -}}{{- $missing = append $missing "management.tls.existingSecret" -}}{{- end -}}
{{- if and $tls.mutual.enabled (not $tls.mutual.memberExistingSecret) -}}{{- $missing = append $missing "management.tls.mutual.memberExistingSecret" -}}{{- end -}}
{{- if and $v.redis.enabled (not $v.redis.auth.existingSecret) -}}{{- $missing = append $missing "redis.auth.existingSecret" -}}{{- end -}}
{{- if and (include "shadowfleet.hasLinks" .) (not $v.management.http.links.existingSecret) -}}{{- $missing = append $missing "management.http.links.existingSecret" -}}{{- end -}}
{{- if and $v.redis.sealing.enabled (not $v.redis.sealing.existingSecret) -}}{{- $missing = append $missing "redis.sealing.existingSecret" -}}{{- end -}}
{{- if not $v.declared.existingSecret -}}
{{- if and $v.gateway.enabled $v.declared.gateway.enabled (not $v.declared.gateway.secret) -}}{{- $missing = append $missing "declared.gateway.secret (or declared.existingSecret)" -}}{{- end -}}
{{- range $v.declared.keys -}}{{- if not .secret -}}{{- $missing = append $missing (printf "declared.keys: secret of key %s" .id) -}}{{- end -}}{{- end -}}
{{- range $v.declared.ports -}}{{- if eq (.identityKey | default "") "generate" -}}{{- $missing = append $missing (printf "declared.ports: identityKey of port %d" (int .port)) -}}{{- end -}}{{- end -}}
{{- end -}}
{{- range $missing -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "%s: required, since secrets.generate is false" .)) -}}{{- end -}}
{{- end -}}
{{- end }}

{{- define "shadowfleet.checkOptionalKinds" -}}
{{- $problems := .problems -}}{{- $root := .root -}}{{- $monitoring := .root.Values.monitoring -}}
{{- if and $monitoring.podMonitor.enabled $monitoring.serviceMonitor.enabled -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" "monitoring: podMonitor.enabled and serviceMonitor.enabled exclude each other: every pod would be scraped twice") -}}{{- end -}}
{{- range $setting, $kind := dict "podMonitor" "PodMonitor" "serviceMonitor" "ServiceMonitor" "prometheusRule" "PrometheusRule" -}}
{{- if (index $monitoring $setting).enabled -}}{{- include "shadowfleet.needApi" (dict "root" $root "problems" $problems "path" (printf "monitoring.%s.enabled" $setting) "api" (printf "monitoring.coreos.com/v1/%s" $kind) "install" "the Prometheus Operator") -}}{{- end -}}
{{- end -}}
{{- with $root.Values.management.http -}}
{{- range $kind, $values := dict "ingress" .ingress "httpRoute" .httpRoute -}}
{{- if and $values.enabled (not $root.Values.management.http.enabled) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" (printf "management.http.%s.enabled: there is nothing to lead to; set management.http.enabled" $kind)) -}}{{- end -}}
{{- end -}}
{{- if .httpRoute.enabled -}}
{{- if not .httpRoute.parentRefs -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" "management.http.httpRoute: name the Gateway in parentRefs") -}}{{- end -}}
{{- include "shadowfleet.needApi" (dict "root" $root "problems" $problems "path" "management.http.httpRoute.enabled" "api" "gateway.networking.k8s.io/v1/HTTPRoute" "install" "the Gateway API") -}}
{{- end -}}
{{- end -}}
{{- with $root.Values.gatewayApi -}}
{{- if .enabled -}}
{{- if not (or .tcpParentRefs .udpParentRefs) -}}{{- include "shadowfleet.problem" (dict "problems" $problems "text" "gatewayApi: name the Gateways in tcpParentRefs and udpParentRefs") -}}{{- end -}}
{{- if .tcpParentRefs -}}{{- include "shadowfleet.needApi" (dict "root" $root "problems" $problems "path" "gatewayApi.tcpParentRefs" "api" (printf "%s/TCPRoute" .apiVersion) "install" "the Gateway API of that version") -}}{{- end -}}
{{- if .udpParentRefs -}}{{- include "shadowfleet.needApi" (dict "root" $root "problems" $problems "path" "gatewayApi.udpParentRefs" "api" (printf "%s/UDPRoute" .apiVersion) "install" "the Gateway API of that version") -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "shadowfleet.needApi" -}}
{{- if not (.root.Capabilities.APIVersions.Has .api) -}}
{{- include "shadowfleet.problem" (dict "problems" .problems "text" (printf "%s: the cluster does not have %s; install %s (or, when rendering without a cluster, add --api-versions %s)" .path .api .install .api)) -}}
{{- end -}}
{{- end }}
