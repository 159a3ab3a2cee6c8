//! What becomes of each field of a kind: acted on, inert by nature, or not in this lab.
//!
//! A kind says it with [`Fields`], once, and shares the part it has in common with others (the
//! template of a pod, a container). Warnings, the printed list and the test that no field is
//! forgotten are derived from it. Never looks at objects.

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Something here acts on it, or keeps it up to date.
    Honoured,
    /// It is kept, and in no cluster without additions does anything act on it.
    Inert,
    /// A cluster would act on it and this lab does not: each use is answered with a warning.
    NotInThisLab,
}

impl Class {
    /// The word it is printed as.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Honoured => "honoured",
            Self::Inert => "inert",
            Self::NotInThisLab => "not in this lab",
        }
    }
}

/// The fields of a kind, or of a part of one, by what becomes of them.
///
/// Each entry is a path from where the table begins, `[]` standing for every element of a list;
/// it means the field and all that is below it, and the empty path means everything.
/// `a.{b,c}` is short for `a.b` and `a.c`.
#[derive(Debug)]
pub struct Fields {
    /// Those that are acted on.
    pub honoured: &'static [&'static str],
    /// Those that nothing acts on in any cluster without additions.
    pub inert: &'static [&'static str],
    /// Those that are accepted with a warning.
    pub not_in_this_lab: &'static [&'static str],
    /// Where the tables of parts begin.
    pub parts: &'static [(&'static str, &'static Self)],
}

impl Fields {
    /// A table without entries, to begin with.
    pub const NONE: Self = Self {
        honoured: &[],
        inert: &[],
        not_in_this_lab: &[],
        parts: &[],
    };
    /// Everything is kept and acted on.
    pub const HONOURED: Self = Self {
        honoured: &[""],
        ..Self::NONE
    };
    /// Everything is kept, and nothing acts on it in any cluster without additions.
    pub const INERT: Self = Self {
        inert: &[""],
        ..Self::NONE
    };
    /// Everything is accepted with a warning.
    pub const NOT_IN_THIS_LAB: Self = Self {
        not_in_this_lab: &[""],
        ..Self::NONE
    };

    /// Every entry with its class, its path from the object's root.
    #[must_use]
    pub fn entries(&self) -> Vec<(String, Class)> {
        let mut all = Vec::new();
        self.collect("", &mut all);
        all
    }

    fn collect(&self, prefix: &str, all: &mut Vec<(String, Class)>) {
        for (paths, class) in [
            (self.honoured, Class::Honoured),
            (self.inert, Class::Inert),
            (self.not_in_this_lab, Class::NotInThisLab),
        ] {
            for path in paths.iter().flat_map(|path| expand(path)) {
                all.push((join(prefix, &path), class));
            }
        }
        for (at, part) in self.parts {
            part.collect(&join(prefix, at), all);
        }
    }
}

/// What becomes of `metadata` and of the names of a type, which every object has.
pub const OBJECT_FIELDS: Fields = Fields {
    honoured: &["apiVersion", "kind"],
    parts: &[("metadata", &OBJECT_META)],
    ..Fields::NONE
};

/// `metadata` of an object.
const OBJECT_META: Fields = Fields {
    honoured: &[
        "{name,generateName,namespace,uid,resourceVersion,generation}",
        "{creationTimestamp,deletionTimestamp,deletionGracePeriodSeconds}",
        "{labels,annotations,finalizers,ownerReferences,managedFields}",
    ],
    inert: &["selfLink"],
    ..Fields::NONE
};

/// `metadata` of a template, of which only what is copied to what is made of it counts.
pub const TEMPLATE_META: Fields = Fields {
    honoured: &["{labels,annotations}"],
    not_in_this_lab: &["finalizers"],
    inert: &[
        "{name,generateName,namespace,uid,resourceVersion,generation,selfLink}",
        "{creationTimestamp,deletionTimestamp,deletionGracePeriodSeconds}",
        "{ownerReferences,managedFields}",
    ],
    ..Fields::NONE
};

/// Whether `entry` means the field at `path`.
#[must_use]
pub fn covers(entry: &str, path: &str) -> bool {
    match path.strip_prefix(entry) {
        Some(rest) => entry.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']),
        None => false,
    }
}

fn join(prefix: &str, path: &str) -> String {
    match (prefix, path) {
        ("", path) => path.to_owned(),
        (prefix, "") => prefix.to_owned(),
        _ => format!("{prefix}.{path}"),
    }
}

/// `a.{b,c}` as `a.b` and `a.c`.
fn expand(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else {
        return vec![path.to_owned()];
    };
    let (choices, after) = rest.split_once('}').expect("a brace is closed");
    let one = |choice: &str| expand(&format!("{before}{choice}{after}"));
    choices.split(',').flat_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::{Class, Fields, covers, expand};

    #[test]
    fn an_entry_means_the_field_and_all_below_it_but_no_longer_name() {
        assert!(covers("spec.ports", "spec.ports[].port"));
        assert!(covers("spec.ports", "spec.ports"));
        assert!(covers("", "spec"));
        assert!(!covers("spec.port", "spec.ports"));
    }

    #[test]
    fn braces_are_every_choice() {
        assert_eq!(expand("a.{b,c.d}.e"), ["a.b.e", "a.c.d.e"]);
    }

    #[test]
    fn parts_begin_where_they_are_put() {
        const PART: Fields = Fields {
            honoured: &["x"],
            ..Fields::INERT
        };
        let whole = Fields {
            parts: &[("list[]", &PART)],
            ..Fields::NONE
        };
        let expected = [("list[].x", Class::Honoured), ("list[]", Class::Inert)];
        let expected = expected.map(|(path, class)| (path.to_owned(), class));
        assert_eq!(whole.entries(), expected);
    }
}
