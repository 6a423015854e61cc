{{/* What the operator may do with objects that belong to no namespace. */}}
{{- define "tintype.clusterRules" -}}
# It binds no trainer before it has seen that the policy which guards status is there.
- apiGroups: [admissionregistration.k8s.io]
  resources: [validatingadmissionpolicies, validatingadmissionpolicybindings]
  resourceNames: [tintype-status]
  verbs: [get]
{{- end -}}

{{/* What the operator may do in each namespace that it watches. */}}
{{- define "tintype.namespacedRules" -}}
- apiGroups: [tintype.dev]
  resources: [modelversions]
  verbs: [get, list, watch, patch]
# `operate` is no verb of Kubernetes: the policy lets whoever has it write the operator's fields of status.
- apiGroups: [tintype.dev]
  resources: [modelversions]
  verbs: [operate]
- apiGroups: [tintype.dev]
  resources: [modelversions/status]
  verbs: [patch]
# Needed to own Jobs on clusters that check it (OwnerReferencesPermissionEnforcement).
- apiGroups: [tintype.dev]
  resources: [modelversions/finalizers]
  verbs: [update]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [events]
  verbs: [list, watch, create, patch]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [rolebindings]
  verbs: [get, create]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterroles]
  resourceNames: [tintype-trainer]
  verbs: [bind]
{{- end -}}
