//! A small cluster to ask. Never hides an answer: helpers return it or compare all of it.

use clock::{Instant, Seed};
use cluster::{Body, Cluster, Config, ImageInfo, Method, NodeSpec, Request, Response};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddrV4};

/// 2026-11-21T05:00:00Z
pub(crate) const EPOCH: i64 = 1_795_237_200;

pub(crate) fn config() -> Config {
    let node = |number: u8| NodeSpec {
        name: format!("node-{number}"),
        external: None,
        control_plane: false,
        addr: Ipv4Addr::new(192, 168, 77, 10 + number),
        pod_cidr: (Ipv4Addr::new(10, 244, number, 0), 24),
    };
    Config {
        nodes: vec![node(1), node(2)],
        service_cidr: (Ipv4Addr::new(10, 96, 0, 0), 12),
        pod_cidr: (Ipv4Addr::new(10, 244, 0, 0), 16),
        epoch: EPOCH,
        control_plane: SocketAddrV4::new(Ipv4Addr::new(192, 168, 77, 2), 6443),
        images: vec![ImageInfo {
            name: "docker.io/library/nginx:latest".to_owned(),
            size_bytes: 9_454_413,
        }],
        dns: true,
        load_balancers: None,
        load_balancer_names: None,
        root_ca: String::new(),
        shuffle: false,
    }
}

pub(crate) struct Lab {
    pub(crate) cluster: Cluster,
    pub(crate) now: Instant,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let now = Instant::from_secs(1);
        Self {
            cluster: Cluster::new(now, Seed::new(7), config()),
            now,
        }
    }

    pub(crate) fn ask(&mut self, request: Request) -> Response {
        self.cluster.handle(self.now, request)
    }

    pub(crate) fn send(&mut self, method: Method, path: &str, type_: &str, body: &str) -> Response {
        self.ask(Request::new(method, path, type_, body.as_bytes().to_vec()))
    }

    #[track_caller]
    pub(crate) fn get(&mut self, path: &str) -> Value {
        json(&self.ask(Request::get(path)))
    }

    /// Creates the object of a YAML text and expects it to be accepted.
    #[track_caller]
    pub(crate) fn create(&mut self, path: &str, yaml: &str) -> Value {
        let response = self.send(Method::Post, path, "application/yaml", yaml);
        let value = json(&response);
        assert_eq!(response.status, 201, "{value}");
        value
    }

    #[track_caller]
    pub(crate) fn patch(&mut self, path: &str, type_: &str, body: &str) -> Value {
        let response = self.send(Method::Patch, path, type_, body);
        let value = json(&response);
        assert_eq!(response.status, 200, "{value}");
        value
    }

    /// Sends a body and compares the status and the message of the refusal.
    #[track_caller]
    pub(crate) fn refused(
        &mut self,
        method: Method,
        path: &str,
        body: &str,
        status: u16,
        message: &str,
    ) {
        let type_ = match method {
            Method::Patch => "application/strategic-merge-patch+json",
            _ => "application/yaml",
        };
        let response = self.send(method, path, type_, body);
        let value = json(&response);
        assert_eq!(value["message"], message);
        assert_eq!(response.status, status);
        assert_eq!(value["kind"], "Status");
    }
}

#[track_caller]
pub(crate) fn json(response: &Response) -> Value {
    let Body::Bytes(bytes) = &response.body else {
        panic!("not a plain answer: {response:?}")
    };
    serde_json::from_slice(bytes)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(bytes)))
}

pub(crate) fn warnings(response: &Response) -> Vec<&str> {
    let named = response
        .headers
        .iter()
        .filter(|(name, _)| *name == "warning");
    named.map(|(_, value)| value.as_str()).collect()
}

pub(crate) const SERVICES: &str = "/api/v1/namespaces/default/services";
pub(crate) const PODS: &str = "/api/v1/namespaces/default/pods";
pub(crate) const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
pub(crate) const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

pub(crate) const MY_NGINX: &str = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"my-nginx","namespace":"default"},"spec":{"replicas":2,"selector":{"matchLabels":{"run":"my-nginx"}},"template":{"metadata":{"labels":{"run":"my-nginx"}},"spec":{"containers":[{"image":"nginx","name":"my-nginx","ports":[{"containerPort":80}]}]}}}}"#;

pub(crate) const NGINX_SERVICE: &str = r#"{"apiVersion":"v1","kind":"Service","metadata":{"labels":{"run":"my-nginx"},"name":"my-nginx","namespace":"default"},"spec":{"ports":[{"port":80,"protocol":"TCP"}],"selector":{"run":"my-nginx"}}}"#;
