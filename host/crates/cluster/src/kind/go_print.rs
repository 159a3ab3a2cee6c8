//! A pod's spec as Kubernetes prints its own in-memory form: Go's names in Go's order, with all
//! that is empty. Never meant for anything but the message that says what changed.

use serde_json::{Map, Value, json};

/// The fields of each structure in the order of Kubernetes 1.36's internal types.
///
/// After a name comes its name in JSON when it is not the same but for the first letter; then what
/// it is: `"` text, `0` number, `?` flag, `~` nothing when absent, `:T` a T or nothing, `=T` always
/// a T, `[T` a list of T or nothing, `@` an amount.
const LAYOUT: &[(&str, &str)] = &[
    (
        "PodSpec",
        "Volumes[Volume InitContainers[Container Containers[Container EphemeralContainers~ RestartPolicy\" TerminationGracePeriodSeconds~ ActiveDeadlineSeconds~ DNSPolicy(dnsPolicy)\" NodeSelector~ ServiceAccountName\" AutomountServiceAccountToken~ NodeName\" SecurityContext:PodSecurityContext ImagePullSecrets[Reference Hostname\" Subdomain\" SetHostnameAsFQDN~ Affinity:Affinity SchedulerName\" Tolerations[Toleration HostAliases[HostAlias PriorityClassName\" Priority~ PreemptionPolicy~ DNSConfig(dnsConfig):PodDNSConfig ReadinessGates[ReadinessGate RuntimeClassName~ Overhead~ EnableServiceLinks~ TopologySpreadConstraints[Spread OS(os):OS SchedulingGates[Named ResourceClaims~ Resources:Resources HostnameOverride~ SchedulingGroup~",
    ),
    (
        "Volume",
        "Name\" HostPath:HostPath EmptyDir:EmptyDir GCEPersistentDisk(gcePersistentDisk)~ AWSElasticBlockStore(awsElasticBlockStore)~ GitRepo~ Secret:SecretVolume NFS(nfs):NFS ISCSI(iscsi)~ Glusterfs~ PersistentVolumeClaim:Claim RBD(rbd)~ Quobyte~ FlexVolume~ Cinder~ CephFS(cephfs)~ Flocker~ DownwardAPI(downwardAPI):Downward FC(fc)~ AzureFile~ ConfigMap:ConfigMapVolume VsphereVolume~ AzureDisk~ PhotonPersistentDisk~ Projected:Projected PortworxVolume~ ScaleIO(scaleIO)~ StorageOS(storageos)~ CSI(csi)~ Ephemeral~ Image~",
    ),
    ("HostPath", "Path\" Type~"),
    ("EmptyDir", "Medium\" SizeLimit~"),
    ("NFS", "Server\" Path\" ReadOnly?"),
    ("Claim", "ClaimName\" ReadOnly?"),
    (
        "SecretVolume",
        "SecretName\" Items[KeyToPath DefaultMode~ Optional~",
    ),
    (
        "ConfigMapVolume",
        "Name\" Items[KeyToPath DefaultMode~ Optional~",
    ),
    ("KeyToPath", "Key\" Path\" Mode~"),
    ("Downward", "Items[DownwardFile DefaultMode~"),
    (
        "DownwardFile",
        "Path\" FieldRef:FieldRef ResourceFieldRef:ResourceFieldRef Mode~",
    ),
    ("FieldRef", "APIVersion(apiVersion)\" FieldPath\""),
    ("ResourceFieldRef", "ContainerName\" Resource\" Divisor@"),
    ("Projected", "Sources[Projection DefaultMode~"),
    (
        "Projection",
        "Secret:Projection1 DownwardAPI(downwardAPI):Projection2 ConfigMap:Projection1 ServiceAccountToken:Token ClusterTrustBundle~ PodCertificate~",
    ),
    ("Projection1", "Name\" Items[KeyToPath Optional~"),
    ("Projection2", "Items[DownwardFile"),
    ("Token", "Audience\" ExpirationSeconds0 Path\""),
    (
        "Container",
        "Name\" Image\" Command~ Args~ WorkingDir\" Ports[Port EnvFrom[EnvFrom Env[Env Resources=Resources ResizePolicy~ RestartPolicy~ RestartPolicyRules~ VolumeMounts[Mount VolumeDevices~ LivenessProbe:Probe ReadinessProbe:Probe StartupProbe:Probe Lifecycle:Lifecycle TerminationMessagePath\" TerminationMessagePolicy\" ImagePullPolicy\" SecurityContext:SecurityContext Stdin? StdinOnce? TTY(tty)?",
    ),
    (
        "Port",
        "Name\" HostPort0 ContainerPort0 Protocol\" HostIP(hostIP)\"",
    ),
    ("EnvFrom", "Prefix\" ConfigMapRef:Chosen SecretRef:Chosen"),
    ("Chosen", "Name\" Optional~"),
    ("Env", "Name\" Value\" ValueFrom:ValueFrom"),
    (
        "ValueFrom",
        "FieldRef:FieldRef ResourceFieldRef:ResourceFieldRef ConfigMapKeyRef:KeyRef SecretKeyRef:KeyRef FileKeyRef~",
    ),
    ("KeyRef", "Name\" Key\" Optional~"),
    ("Resources", "Limits~ Requests~ Claims~"),
    (
        "Mount",
        "Name\" ReadOnly? RecursiveReadOnly~ MountPath\" SubPath\" MountPropagation~ SubPathExpr\"",
    ),
    (
        "Probe",
        "Exec:Exec HTTPGet(httpGet):HTTPGet TCPSocket(tcpSocket):TCPSocket GRPC(grpc):GRPC InitialDelaySeconds0 TimeoutSeconds0 PeriodSeconds0 SuccessThreshold0 FailureThreshold0 TerminationGracePeriodSeconds~",
    ),
    ("Exec", "Command~"),
    (
        "HTTPGet",
        "Path\" Port0 Host\" Scheme\" HTTPHeaders(httpHeaders)[Header",
    ),
    ("Header", "Name\" Value\""),
    ("TCPSocket", "Port0 Host\""),
    ("GRPC", "Port0 Service~"),
    ("Lifecycle", "PostStart:Hook PreStop:Hook StopSignal~"),
    (
        "Hook",
        "Exec:Exec HTTPGet(httpGet):HTTPGet TCPSocket(tcpSocket):TCPSocket Sleep:Sleep",
    ),
    ("Sleep", "Seconds0"),
    (
        "SecurityContext",
        "Capabilities:Capabilities Privileged~ SELinuxOptions(seLinuxOptions):SELinux WindowsOptions~ RunAsUser~ RunAsGroup~ RunAsNonRoot~ ReadOnlyRootFilesystem~ AllowPrivilegeEscalation~ ProcMount~ SeccompProfile:Profile AppArmorProfile:Profile",
    ),
    ("Capabilities", "Add~ Drop~"),
    ("SELinux", "User\" Role\" Type\" Level\""),
    ("Profile", "Type\" LocalhostProfile~"),
    (
        "PodSecurityContext",
        "HostNetwork? HostPID(hostPID)? HostIPC(hostIPC)? ShareProcessNamespace~ HostUsers~ SELinuxOptions(seLinuxOptions):SELinux WindowsOptions~ RunAsUser~ RunAsGroup~ RunAsNonRoot~ SupplementalGroups~ SupplementalGroupsPolicy~ FSGroup(fsGroup)~ FSGroupChangePolicy(fsGroupChangePolicy)~ Sysctls[Header SeccompProfile:Profile AppArmorProfile:Profile SELinuxChangePolicy(seLinuxChangePolicy)~",
    ),
    ("Reference", "Name\""),
    ("Named", "Name\""),
    ("OS", "Name\""),
    (
        "Affinity",
        "NodeAffinity:NodeAffinity PodAffinity:PodAffinity PodAntiAffinity:PodAffinity",
    ),
    (
        "NodeAffinity",
        "RequiredDuringSchedulingIgnoredDuringExecution:NodeSelector PreferredDuringSchedulingIgnoredDuringExecution[Preferred",
    ),
    ("NodeSelector", "NodeSelectorTerms[Term"),
    ("Term", "MatchExpressions[Wish MatchFields[Wish"),
    ("Wish", "Key\" Operator\" Values~"),
    ("Preferred", "Weight0 Preference=Term"),
    (
        "PodAffinity",
        "RequiredDuringSchedulingIgnoredDuringExecution[PodTerm PreferredDuringSchedulingIgnoredDuringExecution[Weighted",
    ),
    (
        "PodTerm",
        "LabelSelector~ Namespaces~ TopologyKey\" NamespaceSelector~ MatchLabelKeys~ MismatchLabelKeys~",
    ),
    ("Weighted", "Weight0 PodAffinityTerm=PodTerm"),
    (
        "Toleration",
        "Key\" Operator\" Value\" Effect\" TolerationSeconds~",
    ),
    ("HostAlias", "IP(ip)\" Hostnames~"),
    ("PodDNSConfig", "Nameservers~ Searches~ Options[DNSOption"),
    ("DNSOption", "Name\" Value~"),
    ("ReadinessGate", "ConditionType\""),
    (
        "Spread",
        "MaxSkew0 TopologyKey\" WhenUnsatisfiable\" LabelSelector~ MinDomains~ NodeAffinityPolicy~ NodeTaintsPolicy~ MatchLabelKeys~",
    ),
];

/// The lines of a pod's spec.
pub(super) fn pod_spec(spec: &Value) -> String {
    let mut text = String::new();
    print_struct("PodSpec", &internal(spec), 0, &mut text);
    text.push('\n');
    text
}

/// What belongs to the node's namespaces stands with the security context inside.
fn internal(spec: &Value) -> Value {
    let mut spec = spec.clone();
    for field in [
        "hostNetwork",
        "hostPID",
        "hostIPC",
        "shareProcessNamespace",
        "hostUsers",
    ] {
        let Some(value) = spec.as_object_mut().and_then(|spec| spec.remove(field)) else {
            continue;
        };
        if !spec["securityContext"].is_object() {
            spec["securityContext"] = json!({});
        }
        spec["securityContext"][field] = value;
    }
    spec
}

fn print_struct(name: &str, value: &Value, depth: usize, text: &mut String) {
    let layout = LAYOUT.iter().find(|(known, _)| *known == name);
    let fields: Vec<&str> = layout
        .map(|(_, fields)| fields.split_whitespace().collect())
        .unwrap_or_default();
    text.push('{');
    for (index, field) in fields.iter().enumerate() {
        let end = field.find(['"', '0', '?', '~', ':', '=', '[', '@', '(']);
        let (go, rest) = field.split_at(end.unwrap_or(field.len()));
        let (json, what) = match rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            Some((json, what)) => (json.to_owned(), what),
            None => (lower_first(go), rest),
        };
        line(index, depth + 1, text);
        text.push_str(&format!("\"{go}\": "));
        print_field(
            what,
            value.get(&json).unwrap_or(&Value::Null),
            depth + 1,
            text,
        );
    }
    close('}', fields.is_empty(), depth, text);
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

fn print_field(what: &str, value: &Value, depth: usize, text: &mut String) {
    let (kind, of) = what.split_at(1);
    let absent = match kind {
        "\"" => json!(""),
        "0" => json!(0),
        "?" => json!(false),
        "@" => json!("0"),
        "=" => json!({}),
        _ => Value::Null,
    };
    let value = if value.is_null() { &absent } else { value };
    match (kind, value) {
        (":" | "=", Value::Object(_)) => print_struct(of, value, depth, text),
        ("[", Value::Array(items)) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                line(index, depth + 1, text);
                print_struct(of, item, depth + 1, text);
            }
            close(']', items.is_empty(), depth, text);
        }
        _ => print_plain(value, depth, text),
    }
}

fn print_plain(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                line(index, depth + 1, text);
                print_plain(item, depth + 1, text);
            }
            close(']', items.is_empty(), depth, text);
        }
        Value::Object(fields) => print_map(fields, depth, text),
        _ => text.push_str(&value.to_string()),
    }
}

fn print_map(fields: &Map<String, Value>, depth: usize, text: &mut String) {
    text.push('{');
    for (index, (name, value)) in fields.iter().enumerate() {
        line(index, depth + 1, text);
        text.push_str(&format!("{}: ", Value::from(name.as_str())));
        print_plain(value, depth + 1, text);
    }
    close('}', fields.is_empty(), depth, text);
}

fn line(index: usize, depth: usize, text: &mut String) {
    text.push_str(if index == 0 { "\n" } else { ",\n" });
    text.push_str(&" ".repeat(depth));
}

fn close(end: char, empty: bool, depth: usize, text: &mut String) {
    if !empty {
        text.push('\n');
        text.push_str(&" ".repeat(depth));
    }
    text.push(end);
}
