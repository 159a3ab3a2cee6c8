//! What becomes of each field of a pod, of its containers and of templates of pods.
//! Never looks at objects.

use super::Fields;
use super::surface::TEMPLATE_META;

/// A template of pods, as workloads carry one.
pub(super) const TEMPLATE: Fields = Fields {
    parts: &[("metadata", &TEMPLATE_META), ("spec", &SPEC)],
    ..Fields::NONE
};

/// A pod's `spec`.
pub(super) const SPEC: Fields = Fields {
    honoured: &[
        "{affinity,topologySpreadConstraints,preemptionPolicy,priorityClassName}",
        "{automountServiceAccountToken,serviceAccount,serviceAccountName}",
        "{dnsConfig,dnsPolicy,hostAliases,hostname,subdomain,hostNetwork}",
        "{activeDeadlineSeconds,enableServiceLinks,readinessGates,restartPolicy,terminationGracePeriodSeconds}",
        "initContainers[].restartPolicy",
        "{nodeName,nodeSelector,tolerations,priority,schedulerName,schedulingGates}",
    ],
    inert: &["os", "securityContext.windowsOptions"],
    not_in_this_lab: &[
        "containers[].restartPolicy",
        "ephemeralContainers[].{targetContainerName,restartPolicy}",
        "{hostIPC,hostPID,hostUsers,hostnameOverride,setHostnameAsFQDN,shareProcessNamespace}",
        "{imagePullSecrets,overhead,resources,resourceClaims,runtimeClassName}",
        "schedulingGroup",
        "securityContext.{appArmorProfile,seccompProfile,seLinuxOptions,seLinuxChangePolicy}",
        "securityContext.{fsGroup,fsGroupChangePolicy,supplementalGroups}",
        "securityContext.{supplementalGroupsPolicy,sysctls}",
        "securityContext.{runAsGroup,runAsNonRoot,runAsUser}",
    ],
    parts: &[
        ("containers[]", &CONTAINER),
        ("initContainers[]", &CONTAINER),
        ("ephemeralContainers[]", &CONTAINER),
        ("volumes[]", &VOLUME),
    ],
};

/// A container, besides when it is restarted.
const CONTAINER: Fields = Fields {
    honoured: &[
        "{name,image,imagePullPolicy,command,args,workingDir,stdin,stdinOnce,tty}",
        "envFrom",
        "env[].{name,value}",
        "env[].valueFrom.{configMapKeyRef,secretKeyRef}",
        "env[].valueFrom.fieldRef.fieldPath",
        "env[].valueFrom.resourceFieldRef",
        "lifecycle.{postStart,preStop}.{exec,httpGet,tcpSocket,sleep}",
        "ports[].{containerPort,hostIP,hostPort,name,protocol}",
        "resources.{limits,requests}",
        "resizePolicy",
        "securityContext.readOnlyRootFilesystem",
        "{terminationMessagePath,terminationMessagePolicy}",
        "volumeMounts[].{name,mountPath,readOnly,subPath,subPathExpr}",
    ],
    inert: &[
        "env[].valueFrom.fieldRef.apiVersion",
        "securityContext.windowsOptions",
    ],
    not_in_this_lab: &[
        "env[].valueFrom.fileKeyRef",
        "lifecycle.stopSignal",
        "resources.claims",
        "{restartPolicyRules,volumeDevices}",
        "securityContext.{allowPrivilegeEscalation,capabilities,privileged,procMount}",
        "securityContext.{appArmorProfile,seccompProfile,seLinuxOptions}",
        "securityContext.{runAsGroup,runAsNonRoot,runAsUser}",
        "volumeMounts[].{mountPropagation,recursiveReadOnly}",
    ],
    parts: &[
        ("livenessProbe", &PROBE),
        ("readinessProbe", &PROBE),
        ("startupProbe", &PROBE),
    ],
};

const PROBE: Fields = Fields {
    honoured: &[
        "{exec,httpGet,tcpSocket}",
        "{initialDelaySeconds,timeoutSeconds,periodSeconds}",
        "{successThreshold,failureThreshold,terminationGracePeriodSeconds}",
    ],
    not_in_this_lab: &["grpc"],
    ..Fields::NONE
};

const VOLUME: Fields = Fields {
    honoured: &[
        "{name,configMap,secret,hostPath.path,persistentVolumeClaim}",
        "downwardAPI.defaultMode",
        "projected.defaultMode",
        "projected.sources[].{configMap,secret,serviceAccountToken}",
    ],
    not_in_this_lab: &[
        "emptyDir.{medium,sizeLimit}",
        "projected.sources[].{clusterTrustBundle,podCertificate}",
        "{awsElasticBlockStore,azureDisk,azureFile,cephfs,cinder,csi,ephemeral,fc}",
        "{flexVolume,flocker,gcePersistentDisk,gitRepo,glusterfs,hostPath.type,image,iscsi}",
        "{nfs,photonPersistentDisk,portworxVolume,quobyte,rbd}",
        "{scaleIO,storageos,vsphereVolume}",
    ],
    parts: &[
        ("downwardAPI", &DOWNWARD),
        ("projected.sources[].downwardAPI", &DOWNWARD),
    ],
    ..Fields::NONE
};

const DOWNWARD: Fields = Fields {
    honoured: &["items[].{path,mode,resourceFieldRef,fieldRef.fieldPath}"],
    inert: &["items[].fieldRef.apiVersion"],
    ..Fields::NONE
};

/// What is reported of a pod. Inert is what reports on something that is not here.
pub(super) const STATUS: Fields = Fields {
    honoured: &[
        "{conditions,hostIP,hostIPs,message,observedGeneration,phase,podIP,podIPs}",
        "{nominatedNodeName,qosClass,reason,startTime}",
    ],
    inert: &[
        "{allocatedResources,extendedResourceClaimStatus}",
        "{nodeAllocatableResourceClaimStatuses,resize}",
        "{resourceClaimStatuses,resources}",
    ],
    parts: &[
        ("containerStatuses[]", &CONTAINER_STATUS),
        ("ephemeralContainerStatuses[]", &CONTAINER_STATUS),
        ("initContainerStatuses[]", &CONTAINER_STATUS),
    ],
    ..Fields::NONE
};

const CONTAINER_STATUS: Fields = Fields {
    honoured: &[
        "{allocatedResources,containerID,image,imageID,lastState,name,ready,resources}",
        "{restartCount,started,state}",
        "volumeMounts[].{name,mountPath,readOnly,recursiveReadOnly}",
    ],
    inert: &[
        "{allocatedResourcesStatus,stopSignal,user}",
        "volumeMounts[].volumeStatus",
    ],
    ..Fields::NONE
};
