//! Links, marks and sentences: what findings are made of. Never says anything itself.

/// A place on the way, in the order of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// Who asks.
    Asker,
    /// What the name means there.
    Name,
    /// Who answers for names.
    Dns,
    /// The object.
    Object,
    /// How it can be reached from outside the cluster.
    Outside,
    /// The port of the Service.
    Port,
    /// The selector and the labels.
    Selector,
    /// Where the Pods are.
    Pods,
    /// What Pods are given: volumes, Secrets, ConfigMaps.
    Config,
    /// Images and processes.
    Containers,
    /// What probes say.
    Readiness,
    /// What the Service leads to.
    Endpoints,
    /// Who listens in the Pod.
    Listener,
    /// `NetworkPolicies`.
    Policy,
    /// kube-proxy's rule.
    Rule,
    /// Machines and cables.
    Route,
    /// The connection that was tried.
    Probe,
    /// The environment variables of Services.
    Environment,
    /// The names in a certificate.
    Certificate,
}

impl Link {
    /// Its word, for programs and people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Asker => "asker",
            Self::Name => "name",
            Self::Dns => "dns",
            Self::Object => "object",
            Self::Outside => "outside",
            Self::Port => "port",
            Self::Selector => "selector",
            Self::Pods => "pods",
            Self::Config => "config",
            Self::Containers => "containers",
            Self::Readiness => "readiness",
            Self::Endpoints => "endpoints",
            Self::Listener => "listener",
            Self::Policy => "policy",
            Self::Rule => "nat",
            Self::Route => "route",
            Self::Probe => "probe",
            Self::Environment => "env",
            Self::Certificate => "tls",
        }
    }
}

/// What a finding means for the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// This link holds.
    Good,
    /// This link is broken.
    Broken,
    /// It holds, and there is something to know.
    Note,
}

/// A sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// Japanese.
    Ja,
    /// English.
    En,
}

impl Lang {
    /// The language of a locale such as `ja_JP.UTF-8`; English unless it is Japanese.
    #[must_use]
    pub fn of_locale(locale: &str) -> Self {
        if locale.starts_with("ja") {
            Self::Ja
        } else {
            Self::En
        }
    }
}

impl Text {
    /// In this language.
    #[must_use]
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Ja => &self.ja,
            Lang::En => &self.en,
        }
    }
}
