{{/* What a schema cannot say. Included once, by the Deployment. */}}

{{- define "triptych.checks" -}}
{{- $v := .Values -}}
{{- range $track := include "triptych.tracks" . | fromJsonArray -}}
{{- $release := (index $v.tracks $track).release -}}
{{- if not (and $release.number $release.manifestSha256) -}}
{{- fail (printf "tracks.%s.release has no number or no manifestSha256; name a published release: triptych release show NUMBER --json" $track) -}}
{{- end -}}
{{- end -}}
{{- include "triptych.checkTriton" . -}}
{{- $needed := dict "url" $v.store.url "claim" $v.store.claim.name "image" $v.store.image.reference -}}
{{- if not (index $needed $v.store.type) -}}
{{- fail (printf "store.type is %s, and store.%s is empty" $v.store.type (index (dict "url" "url" "claim" "claim.name" "image" "image.reference") $v.store.type)) -}}
{{- end -}}
{{- if and (eq $v.store.type "image") (semverCompare "<1.33-0" .Capabilities.KubeVersion.Version) -}}
{{- fail (printf "store.type image needs Kubernetes 1.33, not %s; use url or claim" .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if and (has $v.signature.type (list "key" "certificate")) (not $v.signature.configMap) -}}
{{- fail (printf "signature.type is %s, and signature.configMap is empty" $v.signature.type) -}}
{{- end -}}
{{- if and (eq $v.signature.type "sigstore") (not (and $v.signature.identity $v.signature.identityProvider)) -}}
{{- fail "signature.type is sigstore; give identity and identityProvider" -}}
{{- end -}}
{{- if and (eq $v.gpu.mode "mig") (eq $v.accelerator "gpu") (not $v.gpu.migProfile) -}}
{{- fail "gpu.mode is mig, and gpu.migProfile is empty; give one, as 1g.10gb" -}}
{{- end -}}
{{- if and (eq $v.gpu.engineCache.type "claim") (eq $v.accelerator "gpu") (not $v.gpu.engineCache.claimName) -}}
{{- fail "gpu.engineCache.type is claim, and its claimName is empty" -}}
{{- end -}}
{{- if and $v.routes.enabled (not $v.routes.parentRefs) -}}
{{- fail "routes are enabled without parentRefs; name a Gateway" -}}
{{- end -}}
{{- if and $v.edge.tls.clientAuthorities (not $v.edge.tls.secretName) -}}
{{- fail "edge.tls.clientAuthorities needs TLS; give edge.tls.secretName, too" -}}
{{- end -}}
{{- if and (eq $v.autoscaling.type "keda") (not (or $v.autoscaling.keda.triggers $v.autoscaling.keda.prometheusUrl)) -}}
{{- fail "autoscaling.type is keda, and autoscaling.keda has neither prometheusUrl nor triggers" -}}
{{- end -}}
{{- if and (eq (int $v.strategy.maxSurge) 0) (eq (int $v.strategy.maxUnavailable) 0) -}}
{{- fail "strategy.maxSurge and strategy.maxUnavailable are both 0, so no pod could be replaced" -}}
{{- end -}}
{{- end -}}

{{/* The floor is 26.06: what is older has holes that are known. A tag that looks like NVIDIA's must say the same. */}}
{{- define "triptych.checkTriton" -}}
{{- $image := .Values.images.server -}}
{{- $tag := regexFind "^[0-9]{2}\\.[0-9]{2}" $image.tag -}}
{{- $said := default $image.triton $tag -}}
{{- if ne $said $image.triton -}}
{{- fail (printf "images.server.tag says Triton %s, and images.server.triton %s; which is it?" $tag $image.triton) -}}
{{- end -}}
{{- if and (lt $said "26.06") (not .Values.allowVulnerable) -}}
{{- fail (printf "Triton %s has holes that are known; take 26.06 or newer, or set allowVulnerable where nobody else can reach it" $said) -}}
{{- end -}}
{{- end -}}
