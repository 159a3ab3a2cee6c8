//! Which subjects a cluster that is not the lab's own can answer. Never asks it.

use super::told;
use crate::lab::{Subject, Text};
use crate::like;
use std::collections::BTreeSet;

/// Whether a place is a Pod, which every cluster has.
pub(super) fn is_pod(place: &str) -> bool {
    ["pod/", "deploy/", "deployment/"]
        .iter()
        .any(|kind| place.starts_with(kind))
}

/// Why a subject cannot be asked about elsewhere.
pub(super) fn needs_the_lab(subject: &Subject, unrun: &BTreeSet<String>) -> Option<Text> {
    match subject {
        Subject::Resource(_)
        | Subject::Endpoints(_)
        | Subject::File(_)
        | Subject::Answer(_)
        | Subject::Cel(_) => None,
        Subject::Http(http) if http.served_by.is_some() => Some(told(
            "どのPodが答えたかはlabの中でだけ分かります",
            "only the lab knows which Pod answered",
        )),
        Subject::Http(http) if http.for_each.is_empty() => from_a_pod(&http.from),
        Subject::Http(http) => http
            .for_each
            .iter()
            .find_map(|each| from_a_pod(&http.from.replace("@(each)", each))),
        Subject::Dns(dns) => from_a_pod(&dns.from),
        Subject::Exec(exec) => from_a_pod(&exec.place),
        Subject::Output(output) => unrun.contains(&output.of).then(|| {
            told(
                format!("コマンド {} は実行していません", output.of),
                format!("the command {} was not run", output.of),
            )
        }),
        Subject::Tcp(_) => Some(of_the_lab("tcp")),
        Subject::Flow(_) => Some(of_the_lab("flow")),
        Subject::Distribution(_) => Some(of_the_lab("distribution")),
        Subject::All(subjects) | Subject::Any(subjects) => subjects
            .iter()
            .find_map(|subject| needs_the_lab(subject, unrun)),
        Subject::Not(subject) => needs_the_lab(subject, unrun),
    }
}

fn of_the_lab(subject: &str) -> Text {
    told(
        format!("{subject} はlabの内側を見ます"),
        format!("{subject} looks inside the lab"),
    )
}

fn from_a_pod(place: &str) -> Option<Text> {
    (!is_pod(place)).then(|| {
        told(
            format!("{place} はlabの機械です"),
            format!("{place} is a machine of the lab"),
        )
    })
}

/// The names that a subject captures.
pub(super) fn captured_by(subject: &Subject, names: &mut BTreeSet<String>) {
    match subject {
        Subject::Resource(resource) => names.extend(resource.capture.keys().cloned()),
        Subject::All(subjects) | Subject::Any(subjects) => {
            subjects
                .iter()
                .for_each(|subject| captured_by(subject, names));
        }
        Subject::Exec(exec) => names.extend(exec.like.iter().flat_map(like::captures)),
        Subject::Output(output) => names.extend(output.like.iter().flat_map(like::captures)),
        _ => {}
    }
}
