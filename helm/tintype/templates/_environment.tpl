{{/* The operator's settings; tintype_operator/settings.py says what each means. */}}
{{- define "tintype.environment" -}}
# kopf's name for itself, and ours in the Lease.
- name: POD_ID
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: TINTYPE_LEASE
  value: {{ .Release.Namespace }}/{{ include "tintype.operator" . }}
- name: TINTYPE_TRAINER_IMAGE
  value: {{ include "tintype.image" (dict "root" . "image" .Values.trainer.image) | quote }}
- name: TINTYPE_TRAINER_IMAGE_PULL_POLICY
  value: {{ .Values.trainer.image.pullPolicy }}
{{- with .Values.trainer.imagePullSecrets }}
{{- $names := list }}
{{- range . }}{{ $names = append $names .name }}{{ end }}
- name: TINTYPE_TRAINER_IMAGE_PULL_SECRETS
  value: {{ join "," $names | quote }}
{{- end }}
{{- with .Values.trainer.runtimeClassName }}
- name: TINTYPE_TRAINER_RUNTIME_CLASS
  value: {{ . }}
{{- end }}
{{- with .Values.storage.endpoint }}
- name: TINTYPE_STORAGE_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- with .Values.storage.region }}
- name: TINTYPE_STORAGE_REGION
  value: {{ . | quote }}
{{- end }}
{{- with .Values.storage.credentialsSecret }}
- name: TINTYPE_STORAGE_CREDENTIALS_SECRET
  value: {{ . }}
{{- end }}
{{- with .Values.weights.mirror }}
- name: TINTYPE_WEIGHTS_MIRROR
  value: {{ . | quote }}
{{- end }}
{{- with .Values.weights.licences }}
- name: TINTYPE_WEIGHTS_LICENCES
  value: {{ join "," . | quote }}
{{- end }}
{{- with .Values.library.page }}
- name: TINTYPE_LIBRARY
  value: {{ . }}
{{- end }}
{{- with .Values.history.limit }}
- name: TINTYPE_HISTORY_LIMIT
  value: {{ . | int | quote }}
{{- end }}
{{- with .Values.notify.url }}
- name: TINTYPE_NOTIFY_URL
  value: {{ . | quote }}
{{- end }}
{{- if and .Values.notify.url .Values.notify.secret.name }}
- name: TINTYPE_NOTIFY_SECRET
  valueFrom: {secretKeyRef: {name: {{ .Values.notify.secret.name }}, key: {{ .Values.notify.secret.key | quote }}}}
{{- end }}
- name: TINTYPE_HISTORY_KEEP_BEST
  value: {{ .Values.history.keepBest | quote }}
{{- end -}}
