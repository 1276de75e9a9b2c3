{{- define "triptych.volumes" -}}
{{- $v := .Values -}}
- name: release
  emptyDir: { sizeLimit: {{ $v.store.volumeSize }} }
- name: temporary
  emptyDir: { sizeLimit: {{ $v.server.temporary }} }
- name: edge
  emptyDir: { medium: Memory, sizeLimit: 16Mi }
- name: shared-memory
  emptyDir: { medium: Memory, sizeLimit: {{ $v.server.sharedMemory }} }
{{- if eq $v.store.type "claim" }}
- name: store
  persistentVolumeClaim: { claimName: {{ $v.store.claim.name }}, readOnly: true }
{{- else if eq $v.store.type "image" }}
- name: store
  image: { reference: {{ $v.store.image.reference }}, pullPolicy: {{ $v.store.image.pullPolicy }} }
{{- end }}
{{- if has $v.signature.type (list "key" "certificate") }}
- name: signature
  configMap: { name: {{ $v.signature.configMap }} }
{{- end }}
{{- with $v.edge.tls.secretName }}
- name: tls
  secret: { secretName: {{ . }}, defaultMode: 0440 }
{{- end }}
{{- with $v.edge.tls.clientAuthorities }}
- name: client-authorities
  configMap: { name: {{ . }} }
{{- end }}
{{- with $v.edge.apiKeys.secretName }}
- name: api-keys
  secret: { secretName: {{ . }}, defaultMode: 0440 }
{{- end }}
{{- if eq $v.accelerator "gpu" }}
{{ include "triptych.engineVolume" . }}
{{- end }}
{{- with $v.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "triptych.engineVolume" -}}
{{- $cache := .Values.gpu.engineCache -}}
- name: engines
{{- if eq $cache.type "claim" }}
  persistentVolumeClaim: { claimName: {{ $cache.claimName }} }
{{- else if eq $cache.type "ephemeral" }}
  ephemeral:
    volumeClaimTemplate:
      spec:
        accessModes: [ReadWriteOnce]
        {{- with $cache.storageClassName }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests: { storage: {{ $cache.size }} }
{{- else }}
  emptyDir: { sizeLimit: {{ $cache.size }} }
{{- end }}
{{- end -}}
