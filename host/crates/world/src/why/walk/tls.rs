//! The certificate that Pods serve with, and whether it is for the name that was asked.

use super::super::certificate::{fits, names};
use super::super::look::{few, items, kubectl, name, namespace, number, pod_word, text};
use super::super::question::Subject;
use super::{Walk, Way, config, seen};
use crate::why::Finding;
use cluster::Object;
use cluster::api::base64;
use cluster::dns::DOMAIN;
use serde_json::Value;

/// The files that are looked at first: those of a Secret of type `kubernetes.io/tls`.
const USUAL: &str = "tls.crt";

impl Walk<'_> {
    /// Whether the certificate in the Pods' Secret has the Service's name, where the port is one
    /// for TLS.
    pub(super) fn certificate(&mut self, service: &Object, port: &Value, pods: &[Object]) -> Way {
        let Some(pod) = pods.first().filter(|_| speaks_tls(port)) else {
            return Ok(());
        };
        let containers = items(&pod["spec"]["containers"]).iter();
        let secrets = containers.flat_map(|container| config::mounted(pod, container));
        let secrets = secrets.filter(|(_, kind, _)| *kind == "secrets");
        let found = secrets.into_iter().find_map(|(_, kind, secret)| {
            let object = self.store.get(kind, namespace(pod), secret)?;
            let data = object["data"].as_object()?;
            let usual = data.get_key_value(USUAL).into_iter();
            let mut files = usual.chain(data.iter().filter(|(key, _)| key.ends_with(".crt")));
            files.find_map(|(key, value)| {
                let own = names(&base64::decode(text(value))?)?;
                Some((secret.to_owned(), key.clone(), own))
            })
        });
        let Some((secret, key, own)) = found else {
            return Ok(());
        };
        let asked = self.asked_names(service);
        let object = format!("secret/{secret}");
        if own
            .iter()
            .any(|own| asked.iter().any(|asked| fits(own, asked)))
        {
            let finding = Finding::CertificateFits {
                object,
                names: few(own),
            };
            return self.say(finding, Vec::new());
        }
        let wanted = asked
            .first()
            .map_or_else(|| name(service).to_owned(), Clone::clone);
        let kubectl = kubectl(namespace(pod));
        let command = format!(
            "openssl req -x509 -nodes -days 365 -newkey rsa:2048 -keyout tls.key -out tls.crt -subj /CN={wanted} && \
             {kubectl} create secret tls {secret} --key tls.key --cert tls.crt --dry-run=client -o yaml | {kubectl} apply -f - && {}",
            self.restart(pod)
        );
        let field = seen(
            object.clone(),
            &format!("data[{key}] CN, SAN"),
            own.join(", "),
        );
        let finding = Finding::CertificateDiffers {
            pod: pod_word(pod),
            object,
            names: few(own),
            asked: wanted,
            command,
        };
        self.say(finding, vec![field])
    }

    /// The names a client may have asked by: the one that was said, or any of the Service's.
    fn asked_names(&self, service: &Value) -> Vec<String> {
        if let Subject::Name { name, .. } = &self.plan.question.subject {
            return vec![name.clone()];
        }
        let (name, space) = (name(service), namespace(service));
        vec![
            name.to_owned(),
            format!("{name}.{space}"),
            format!("{name}.{space}.svc"),
            format!("{name}.{space}.svc.{DOMAIN}"),
        ]
    }
}

fn speaks_tls(port: &Value) -> bool {
    let secure = |value: &Value| {
        matches!(number(value), Some(443 | 8443)) || text(value).starts_with("https")
    };
    secure(&port["port"]) || secure(&port["targetPort"]) || secure(&port["name"])
}
