//! What becomes of each field of a pod, of its containers and of templates of pods.
//! Never looks at objects.

use super::Fields;

/// A template of pods, as workloads carry one.
pub(super) const TEMPLATE: Fields = Fields {
    parts: &[("spec", &SPEC)],
    ..Fields::NONE
};

/// A pod's `spec`.
pub(super) const SPEC: Fields = Fields {
    not_in_this_lab: &[
        "activeDeadlineSeconds",
        "affinity.podAffinity",
        "affinity.podAntiAffinity",
        "containers[].livenessProbe.grpc",
        "containers[].ports[].hostPort",
        "containers[].readinessProbe.grpc",
        "containers[].startupProbe.grpc",
        "containers[].volumeMounts[].mountPropagation",
        "containers[].volumeMounts[].subPathExpr",
        "initContainers[].securityContext",
        "containers[].securityContext",
        "containers[].volumeDevices",
        "containers[].resizePolicy",
        "containers[].restartPolicyRules",
        "ephemeralContainers",
        "hostIPC",
        "hostPID",
        "hostUsers",
        "imagePullSecrets",
        "os",
        "overhead",
        "priorityClassName",
        "resourceClaims",
        "resources",
        "runtimeClassName",
        "securityContext.appArmorProfile",
        "securityContext.fsGroup",
        "securityContext.runAsGroup",
        "securityContext.runAsNonRoot",
        "securityContext.runAsUser",
        "securityContext.seLinuxOptions",
        "securityContext.seccompProfile",
        "securityContext.supplementalGroups",
        "securityContext.sysctls",
        "setHostnameAsFQDN",
        "shareProcessNamespace",
        "topologySpreadConstraints",
        "volumes[].awsElasticBlockStore",
        "volumes[].azureDisk",
        "volumes[].azureFile",
        "volumes[].cephfs",
        "volumes[].csi",
        "volumes[].ephemeral",
        "volumes[].gcePersistentDisk",
        "volumes[].gitRepo",
        "volumes[].hostPath",
        "volumes[].image",
        "volumes[].iscsi",
        "volumes[].nfs",
        "volumes[].persistentVolumeClaim",
        "volumes[].rbd",
    ],
    ..Fields::NONE
};
