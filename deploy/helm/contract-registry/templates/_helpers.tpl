{{- define "registry.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "registry.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "registry.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "registry.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "registry.selector" -}}
app.kubernetes.io/name: {{ include "registry.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "registry.labels" -}}
{{ include "registry.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "registry.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "registry.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "registry.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Host names that Django accepts: given ones, those of the ingress, and the service's own. */}}
{{- define "registry.hosts" -}}
{{- $name := include "registry.fullname" . }}
{{- $own := list $name (printf "%s.%s" $name .Release.Namespace) (printf "%s.%s.svc" $name .Release.Namespace) (printf "%s.%s.svc.cluster.local" $name .Release.Namespace) }}
{{- concat .Values.allowedHosts (ternary .Values.ingress.hosts (list) .Values.ingress.enabled) $own | uniq | join "," }}
{{- end }}

{{- define "registry.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "registry.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* One variable from an optional key of a secret. */}}
{{- define "registry.fromSecret" -}}
- name: {{ .name }}
  valueFrom: { secretKeyRef: { name: {{ .secret }}, key: {{ .key }}, optional: true } }
{{- end }}

{{- define "registry.env" -}}
{{- if .Values.auth.existingSecret }}
{{ include "registry.fromSecret" (dict "name" "JWT_SECRET" "secret" .Values.auth.existingSecret "key" "jwt-secret") }}
{{ include "registry.fromSecret" (dict "name" "JWT_PUBLIC_KEY" "secret" .Values.auth.existingSecret "key" "jwt-public-key") }}
{{- end }}
{{- with .Values.nats.existingSecret }}
{{ include "registry.fromSecret" (dict "name" "NATS_USER" "secret" . "key" "user") }}
{{ include "registry.fromSecret" (dict "name" "NATS_PASSWORD" "secret" . "key" "password") }}
{{ include "registry.fromSecret" (dict "name" "NATS_NKEY_SEED" "secret" . "key" "nkey-seed") }}
{{- end }}
{{- with .Values.console.existingSecret }}
{{ include "registry.fromSecret" (dict "name" "SECRET_KEY" "secret" . "key" "secret-key") }}
{{- end }}
{{- with .Values.console.existingDatabaseSecret }}
- name: DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ . }}, key: database-url } }
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "registry.mounts" -}}
- { name: tmp, mountPath: /tmp }
- { name: var, mountPath: /var/lib/contract-registry }
{{- if .Values.nats.existingSecret }}
- { name: nats, mountPath: /etc/contract-registry/nats, readOnly: true }
{{- end }}
{{- end }}

{{- define "registry.volumes" -}}
- { name: tmp, emptyDir: {} }
- { name: var, emptyDir: {} }
{{- if .Values.nats.existingSecret }}
- { name: nats, secret: { secretName: {{ .Values.nats.existingSecret }}, defaultMode: 0440 } }
{{- end }}
{{- end }}
