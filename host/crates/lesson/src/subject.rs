//! What every subject has: texts with captures in them. Never judges.

use crate::lab::{Matcher, Subject};

impl Subject {
    /// Every text that may hold `@(…)`, samples of output excepted.
    pub(crate) fn texts(&self, visit: &mut dyn FnMut(&str)) {
        let shapes = |shapes: &[&Option<Matcher>], visit: &mut dyn FnMut(&str)| {
            shapes
                .iter()
                .copied()
                .flatten()
                .for_each(|shape| shape.texts(visit));
        };
        let texts = |texts: &[&Option<String>], visit: &mut dyn FnMut(&str)| {
            texts.iter().copied().flatten().for_each(|text| visit(text));
        };
        match self {
            Self::Resource(r) => {
                visit(&r.reference);
                texts(&[&r.namespace, &r.selector], visit);
                shapes(&[&r.shape, &r.count], visit);
            }
            Self::Endpoints(e) => {
                visit(&e.service);
                texts(
                    &[
                        &e.namespace,
                        &e.equals_pod_ips_of,
                        &e.contains,
                        &e.not_contains,
                    ],
                    visit,
                );
                shapes(&[&e.ready, &e.port], visit);
            }
            Self::Http(h) => {
                [&h.from, &h.url]
                    .into_iter()
                    .chain(&h.for_each)
                    .for_each(|text| visit(text));
                h.headers.iter().for_each(|(_, value)| visit(value));
                shapes(&[&h.status, &h.body, &h.served_by], visit);
            }
            Self::Tcp(t) => [&t.from, &t.to].into_iter().for_each(|text| visit(text)),
            Self::Dns(d) => {
                [&d.from, &d.name].into_iter().for_each(|text| visit(text));
                shapes(&[&d.answers], visit);
            }
            Self::Exec(e) => {
                visit(&e.place);
                e.command.iter().for_each(|text| visit(text));
                shapes(&[&e.exit, &e.stdout, &e.stderr], visit);
            }
            Self::Output(o) => shapes(&[&o.exit, &o.stdout, &o.stderr], visit),
            Self::Flow(f) => {
                texts(&[&f.iface], visit);
                f.path.iter().for_each(|hop| visit(hop));
                shapes(&[&f.shape, &f.count], visit);
            }
            Self::Distribution(d) => [&d.from, &d.url].into_iter().for_each(|text| visit(text)),
            Self::File(f) => shapes(&[&f.text, &f.yaml], visit),
            Self::Answer(_) | Self::Cel(_) => {}
            Self::All(subjects) | Self::Any(subjects) => {
                subjects.iter().for_each(|subject| subject.texts(visit))
            }
            Self::Not(subject) => subject.texts(visit),
        }
    }
}
