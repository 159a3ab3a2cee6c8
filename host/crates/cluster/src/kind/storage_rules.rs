//! Checks of claims and volumes: the first part of `ValidatePersistentVolumeClaimSpec` and
//! `ValidatePersistentVolumeSpec`. Never binds one to the other.

use super::Findings;
use super::look::{list, map, text};
use super::quantity::{text_of, thousandths};
use serde_json::Value;

const MODES: [&str; 4] = [
    "ReadOnlyMany",
    "ReadWriteMany",
    "ReadWriteOnce",
    "ReadWriteOncePod",
];

/// A claim says how it is to be used, and how much it needs.
pub(super) fn check_claim(claim: &Value, found: &mut Findings) {
    let modes = list(claim, "/spec/accessModes");
    if modes.is_empty() {
        let why = "at least 1 access mode is required";
        found.required("spec.accessModes", why);
    }
    check_modes(modes, found);
    let at = "spec.resources[storage]";
    match claim.pointer("/spec/resources/requests/storage") {
        None => found.required(at, ""),
        Some(amount) if thousandths(&text_of(amount)).is_some_and(|amount| amount <= 0) => {
            let shown = Value::from(text_of(amount));
            found.invalid(at, &shown, "must be greater than zero");
        }
        Some(_) => {}
    }
}

/// A volume says how it may be used, how large it is and what it is.
pub(super) fn check_volume(volume: &Value, found: &mut Findings) {
    const COMMON: [&str; 9] = [
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    ];
    let modes = list(volume, "/spec/accessModes");
    if modes.is_empty() {
        found.required("spec.accessModes", "");
    }
    check_modes(modes, found);
    if map(volume, "/spec/capacity").is_none_or(|sizes| sizes.is_empty()) {
        found.required("spec.capacity", "");
    }
    let fields = map(volume, "/spec").into_iter().flatten();
    let mut sources = fields.filter(|(field, _)| !COMMON.contains(&field.as_str()));
    if sources.next().is_none() {
        found.required("spec", "must specify a volume type");
    }
    let policies = ["Delete", "Recycle", "Retain"];
    let field = "spec.persistentVolumeReclaimPolicy";
    let policy = text(volume, "/spec/persistentVolumeReclaimPolicy");
    found.one_of(field, &policy.into(), &policies);
}

fn check_modes(modes: &[Value], found: &mut Findings) {
    for mode in modes {
        found.one_of("spec.accessModes", mode, &MODES);
    }
    if modes.len() > 1 && modes.iter().any(|mode| mode == "ReadWriteOncePod") {
        let why = "may not use ReadWriteOncePod with other access modes";
        found.forbidden("spec.accessModes", why);
    }
}
