//! Protobuf bodies, as `kubectl create` and `kubectl auth` send them, turned into JSON.
//!
//! Only the kinds and fields those commands set. A message that carries more is refused, never
//! shortened: what is read is taken out of it, and what is left must be nothing.

use super::base64;
use super::status::Failure;
use k8s_pb::api::apps::v1 as apps;
use k8s_pb::api::authorization::v1 as authorization;
use k8s_pb::api::core::v1 as core;
use k8s_pb::apimachinery::pkg::apis::meta::v1 as metav1;
use k8s_pb::apimachinery::pkg::runtime::Unknown;
use k8s_pb::apimachinery::pkg::util::intstr::IntOrString;
use prost::Message;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const MAGIC: &[u8] = b"k8s\0";

/// The object in a protobuf body.
pub(super) fn object(body: &[u8]) -> Result<Value, Failure> {
    let broken = |why: String| Failure::bad_request(format!("unable to decode protobuf: {why}"));
    let envelope = body
        .strip_prefix(MAGIC)
        .ok_or_else(|| broken("wrong magic number".to_owned()))?;
    let unknown = Unknown::decode(envelope).map_err(|error| broken(error.to_string()))?;
    let type_meta = unknown.type_meta.unwrap_or_default();
    let (version, kind) = (
        type_meta.api_version.unwrap_or_default(),
        type_meta.kind.unwrap_or_default(),
    );
    let raw = unknown.raw.unwrap_or_default();
    let read = match kind.as_str() {
        "Deployment" => read::<apps::Deployment>(&raw, deployment),
        "Service" => read::<core::Service>(&raw, service),
        "ConfigMap" => read::<core::ConfigMap>(&raw, config_map),
        "Secret" => read::<core::Secret>(&raw, secret),
        "Namespace" => read::<core::Namespace>(&raw, namespace),
        "ServiceAccount" => read::<core::ServiceAccount>(&raw, service_account),
        "DeleteOptions" => read::<metav1::DeleteOptions>(&raw, delete_options),
        "SelfSubjectAccessReview" => {
            read::<authorization::SelfSubjectAccessReview>(&raw, access_review)
        }
        "SelfSubjectReview" => Ok(json!({})),
        _ => {
            return Err(Failure::bad_request(format!(
                "not in this lab: {kind} as protobuf; send JSON"
            )));
        }
    };
    let mut value = read.map_err(|why| match why {
        None => Failure::bad_request(format!(
            "not in this lab: some field of this {kind} as protobuf; send JSON"
        )),
        Some(why) => broken(why),
    })?;
    value["apiVersion"] = version.into();
    value["kind"] = kind.into();
    Ok(value)
}

/// Decodes a message and lets `take` move its fields into JSON; the rest must be nothing.
fn read<M: Message + Default>(
    raw: &[u8],
    take: fn(&mut M) -> Value,
) -> Result<Value, Option<String>> {
    let mut message = M::decode(raw).map_err(|error| Some(error.to_string()))?;
    let value = take(&mut message);
    if is_zero(&message.encode_to_vec()) {
        Ok(value)
    } else {
        Err(None)
    }
}

/// Whether an encoded message says nothing: Go sends fields that are zero, too.
fn is_zero(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let Some(tag) = varint(&mut bytes) else {
            return false;
        };
        let zero = match tag & 7 {
            0 => varint(&mut bytes) == Some(0),
            2 => {
                let length = varint(&mut bytes).and_then(|length| usize::try_from(length).ok());
                let Some(content) = length.and_then(|length| bytes.split_at_checked(length)) else {
                    return false;
                };
                bytes = content.1;
                is_zero(content.0)
            }
            _ => false,
        };
        if !zero {
            return false;
        }
    }
    true
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    prost::encoding::decode_varint(bytes).ok()
}

/// A JSON object that is built field by field; what is zero is left out.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let nothing = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            Value::Number(number) => number.as_i64() == Some(0),
            Value::Bool(flag) => !flag,
        };
        if !nothing {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    /// Also when it is zero: the field is a pointer in Go, so that zero was meant.
    fn put_pointer(mut self, name: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
        self
    }

    fn done(self) -> Value {
        self.0.into()
    }
}

fn texts(map: &mut BTreeMap<String, String>) -> Value {
    std::mem::take(map)
        .into_iter()
        .map(|(key, value)| (key, Value::from(value)))
        .collect::<Map<_, _>>()
        .into()
}

fn bytes(map: &mut BTreeMap<String, Vec<u8>>) -> Value {
    let encode = |(key, value): (String, Vec<u8>)| (key, Value::from(base64::encode(&value)));
    std::mem::take(map)
        .into_iter()
        .map(encode)
        .collect::<Map<_, _>>()
        .into()
}

fn metadata(meta: &mut Option<metav1::ObjectMeta>) -> Value {
    let Some(meta) = meta else { return json!({}) };
    Fields::default()
        .put("name", meta.name.take())
        .put("generateName", meta.generate_name.take())
        .put("namespace", meta.namespace.take())
        .put("labels", texts(&mut meta.labels))
        .put("annotations", texts(&mut meta.annotations))
        .done()
}

fn deployment(object: &mut apps::Deployment) -> Value {
    let meta = metadata(&mut object.metadata);
    let mut spec = json!({});
    if let Some(own) = &mut object.spec {
        let mut selector = Value::Null;
        if let Some(own) = &mut own.selector {
            selector = json!({"matchLabels": texts(&mut own.match_labels)});
        }
        let mut template = Value::Null;
        if let Some(own) = &mut own.template {
            let meta = metadata(&mut own.metadata);
            let spec = own.spec.as_mut().map_or_else(|| json!({}), pod_spec);
            template = json!({"metadata": meta, "spec": spec});
        }
        spec = Fields::default()
            .put_pointer("replicas", own.replicas.take())
            .put("selector", selector)
            .put("template", template)
            .put("minReadySeconds", own.min_ready_seconds.take())
            .done();
    }
    json!({"metadata": meta, "spec": spec})
}

fn pod_spec(spec: &mut core::PodSpec) -> Value {
    Fields::default()
        .put(
            "containers",
            spec.containers
                .iter_mut()
                .map(container)
                .collect::<Vec<_>>(),
        )
        .put("restartPolicy", spec.restart_policy.take())
        .put("serviceAccountName", spec.service_account_name.take())
        .done()
}

fn container(own: &mut core::Container) -> Value {
    let port = |port: &mut core::ContainerPort| {
        Fields::default()
            .put("name", port.name.take())
            .put("containerPort", port.container_port.take())
            .put("protocol", port.protocol.take())
            .done()
    };
    let variable = |variable: &mut core::EnvVar| {
        Fields::default()
            .put("name", variable.name.take())
            .put("value", variable.value.take())
            .done()
    };
    Fields::default()
        .put("name", own.name.take())
        .put("image", own.image.take())
        .put("command", std::mem::take(&mut own.command))
        .put("args", std::mem::take(&mut own.args))
        .put("workingDir", own.working_dir.take())
        .put("ports", own.ports.iter_mut().map(port).collect::<Vec<_>>())
        .put("env", own.env.iter_mut().map(variable).collect::<Vec<_>>())
        .put("imagePullPolicy", own.image_pull_policy.take())
        .done()
}

fn service(object: &mut core::Service) -> Value {
    let meta = metadata(&mut object.metadata);
    let Some(own) = &mut object.spec else {
        return json!({"metadata": meta});
    };
    let spec = Fields::default()
        .put("type", own.r#type.take())
        .put("clusterIP", own.cluster_ip.take())
        .put("selector", texts(&mut own.selector))
        .put(
            "ports",
            own.ports.iter_mut().map(service_port).collect::<Vec<_>>(),
        )
        .put("externalIPs", std::mem::take(&mut own.external_ips))
        .put("externalName", own.external_name.take())
        .put("sessionAffinity", own.session_affinity.take())
        .put("externalTrafficPolicy", own.external_traffic_policy.take())
        .put(
            "publishNotReadyAddresses",
            own.publish_not_ready_addresses.take(),
        )
        .put("internalTrafficPolicy", own.internal_traffic_policy.take())
        .done();
    json!({"metadata": meta, "spec": spec})
}

fn service_port(port: &mut core::ServicePort) -> Value {
    Fields::default()
        .put("name", port.name.take())
        .put("protocol", port.protocol.take())
        .put("appProtocol", port.app_protocol.take())
        .put("port", port.port.take())
        .put(
            "targetPort",
            port.target_port.take().map_or(Value::Null, int_or_string),
        )
        .put("nodePort", port.node_port.take())
        .done()
}

fn int_or_string(value: IntOrString) -> Value {
    match value.r#type {
        Some(1) => value.str_val.unwrap_or_default().into(),
        _ => value.int_val.unwrap_or_default().into(),
    }
}

fn config_map(object: &mut core::ConfigMap) -> Value {
    Fields::default()
        .put("metadata", metadata(&mut object.metadata))
        .put_pointer("immutable", object.immutable.take())
        .put("data", texts(&mut object.data))
        .put("binaryData", bytes(&mut object.binary_data))
        .done()
}

fn secret(object: &mut core::Secret) -> Value {
    Fields::default()
        .put("metadata", metadata(&mut object.metadata))
        .put_pointer("immutable", object.immutable.take())
        .put("data", bytes(&mut object.data))
        .put("stringData", texts(&mut object.string_data))
        .put("type", object.r#type.take())
        .done()
}

fn namespace(object: &mut core::Namespace) -> Value {
    json!({"metadata": metadata(&mut object.metadata)})
}

fn service_account(object: &mut core::ServiceAccount) -> Value {
    json!({"metadata": metadata(&mut object.metadata)})
}

fn delete_options(options: &mut metav1::DeleteOptions) -> Value {
    let mut preconditions = Value::Null;
    if let Some(own) = &mut options.preconditions {
        preconditions = Fields::default()
            .put("uid", own.uid.take())
            .put("resourceVersion", own.resource_version.take())
            .done();
    }
    Fields::default()
        .put_pointer("gracePeriodSeconds", options.grace_period_seconds.take())
        .put("propagationPolicy", options.propagation_policy.take())
        .put("orphanDependents", options.orphan_dependents.take())
        .put("dryRun", std::mem::take(&mut options.dry_run))
        .put("preconditions", preconditions)
        .done()
}

fn access_review(review: &mut authorization::SelfSubjectAccessReview) -> Value {
    let Some(spec) = &mut review.spec else {
        return json!({"spec": {}});
    };
    let resource = spec.resource_attributes.as_mut().map(|own| {
        Fields::default()
            .put("namespace", own.namespace.take())
            .put("verb", own.verb.take())
            .put("group", own.group.take())
            .put("version", own.version.take())
            .put("resource", own.resource.take())
            .put("subresource", own.subresource.take())
            .put("name", own.name.take())
            .done()
    });
    let path = spec.non_resource_attributes.as_mut().map(|own| {
        Fields::default()
            .put("path", own.path.take())
            .put("verb", own.verb.take())
            .done()
    });
    let spec = Fields::default()
        .put_pointer("resourceAttributes", resource)
        .put_pointer("nonResourceAttributes", path)
        .done();
    json!({"spec": spec})
}
