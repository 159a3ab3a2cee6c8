//! Who writes, by which name and when. Never reads objects.

use super::managers::Manager;
use crate::api::request::Request;
use crate::api::status::Failure;
use crate::kind::{Findings, Kind};

/// How long a manager's name may be.
const MAX_NAME: usize = 128;

/// Who writes an object.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    /// `fieldManager`, or else the first word of the client's `User-Agent`.
    pub(super) name: String,
    /// The part of the object that is written, empty for the object itself.
    pub(super) subresource: String,
    /// Now, as `metav1.Time`.
    pub(super) time: String,
}

impl Writer {
    /// Who sends this request, to write this part of an object.
    ///
    /// # Errors
    /// The name given is too long or cannot be printed; `options` names what it was given in.
    pub(crate) fn of(
        request: &Request,
        options: &str,
        subresource: Option<&str>,
        time: String,
    ) -> Result<Self, Failure> {
        let given = request.param("fieldManager").unwrap_or_default();
        let mut found = Findings::default();
        if given.len() > MAX_NAME {
            found.too_long("fieldManager", MAX_NAME);
        }
        if given.chars().any(char::is_control) {
            found.invalid(
                "fieldManager",
                &given.into(),
                "should only contain printable characters",
            );
        }
        if !found.0.is_empty() {
            let options = format!("{options}.meta.k8s.io");
            return Err(Failure::invalid_options(&options, &found.0));
        }
        let agent = request.user_agent.split('/').next().unwrap_or_default();
        let agent: String = agent
            .chars()
            .filter(|letter| !letter.is_control())
            .take(MAX_NAME)
            .collect();
        let name = match (given, agent.as_str()) {
            ("", "") => "unknown",
            ("", agent) => agent,
            (given, _) => given,
        };
        Ok(Self {
            name: name.to_owned(),
            subresource: subresource.unwrap_or_default().to_owned(),
            time,
        })
    }

    pub(super) fn manager(&self, kind: &dyn Kind, applies: bool) -> Manager {
        Manager {
            applies,
            name: self.name.clone(),
            version: if applies {
                String::new()
            } else {
                kind.names().api_version()
            },
            subresource: self.subresource.clone(),
        }
    }
}
