//! Who may come: `allow` and `deny`, passwords, and `satisfy`.

use std::rc::Rc;

use crate::conf::model::Level;

use super::password;
use super::turn::{Step, Turn};

impl Turn<'_> {
    pub(super) fn access(&mut self) -> Step {
        let by_address = self.address_rule();
        let any = self.settings.satisfy_any;
        if any && by_address == Some(true) {
            return Step::Next;
        }
        if by_address == Some(false) && !any {
            self.note(Level::Error, "access forbidden by rule".to_owned());
            return Step::Fail(403);
        }
        match self.password() {
            Some(Err(status)) => Step::Fail(status),
            Some(Ok(())) => Step::Next,
            // Nobody asked for a password; then the address alone decides.
            None if by_address == Some(false) => {
                self.note(Level::Error, "access forbidden by rule".to_owned());
                Step::Fail(403)
            }
            None => Step::Next,
        }
    }

    /// What the first rule for the client's address says.
    fn address_rule(&self) -> Option<bool> {
        let address = *self.client.remote.ip();
        let mut rules = self.settings.access.iter();
        rules
            .find(|(network, _)| network.contains(address))
            .map(|(_, allow)| *allow)
    }

    /// Whether the right password came; nothing when none is asked for.
    fn password(&mut self) -> Option<Result<(), u16>> {
        let settings = Rc::clone(&self.settings);
        let realm = self.render_text(&settings.auth_basic);
        let file = settings.auth_file.as_ref()?;
        if realm.is_empty() || realm == "off" {
            return None;
        }
        self.realm = Some(format!("Basic realm=\"{realm}\"").into_bytes());
        let header = self.request.header("authorization").unwrap_or_default();
        let Some((user, given)) = password::basic(header) else {
            let message = "no user/password was provided for basic authentication";
            self.note(Level::Info, message.to_owned());
            return Some(Err(401));
        };
        self.user = Some(user.clone());
        let path = self.render_text(file);
        let Ok(text) = std::fs::read_to_string(&path) else {
            let message = format!("open() \"{path}\" failed (2: No such file or directory)");
            self.note(Level::Error, message);
            return Some(Err(403));
        };
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let known = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| *name == user);
        let Some((_, rest)) = known else {
            let message = format!("user \"{user}\" was not found in \"{path}\"");
            self.note(Level::Error, message);
            return Some(Err(401));
        };
        let kept = rest.split(':').next().unwrap_or_default();
        match password::fits(kept, &given) {
            Some(true) => Some(Ok(())),
            Some(false) => {
                self.note(Level::Error, format!("user \"{user}\": password mismatch"));
                Some(Err(401))
            }
            None => {
                let message = format!("crypt_r() of the password of \"{user}\" is not in this lab");
                self.note(Level::Crit, message);
                Some(Err(500))
            }
        }
    }
}
