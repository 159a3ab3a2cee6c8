//! What differs from student to student: values of parameters and the seed, drawn from a key that
//! only the course has. Never draws by chance: the same student gets the same values again.

use crate::lab::{Lab, Param, ParamKind};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::collections::BTreeMap;

/// Letters of drawn names, none of which is easily taken for another.
const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// How many of them stand behind a prefix.
const LENGTH: usize = 5;

impl Lab {
    /// The values of every parameter for a student.
    #[must_use]
    pub fn params_of(&self, course_key: &[u8], student: &str) -> BTreeMap<String, String> {
        let drawn = self.params.iter().map(|(name, param)| {
            let bytes = self.draw(course_key, student, name);
            (name.clone(), value(param, &bytes))
        });
        drawn.collect()
    }

    /// The seed of the world of a student, for lessons with `seed: student`.
    #[must_use]
    pub fn seed_of(&self, course_key: &[u8], student: &str) -> u64 {
        number(&self.draw(course_key, student, "seed:"))
    }

    /// The parts are closed by a zero each, so that no two of them read alike.
    fn draw(&self, course_key: &[u8], student: &str, name: &str) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(course_key).expect("HMAC takes keys of every length");
        for part in [student, &self.metadata.id, name] {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        mac.finalize().into_bytes().into()
    }
}

fn number(bytes: &[u8; 32]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&bytes[..8]);
    u64::from_be_bytes(first)
}

fn value(param: &Param, bytes: &[u8; 32]) -> String {
    let text = |value: &Value| {
        let text = value.as_str().map(str::to_owned);
        text.unwrap_or_else(|| value.to_string())
    };
    match &param.kind {
        ParamKind::Int {
            range: Some((low, high)),
        } => {
            let span = u128::from(high.abs_diff(*low)) + 1;
            let step = u128::from(number(bytes)) % span;
            (i128::from(*low) + i128::try_from(step).unwrap_or(0)).to_string()
        }
        ParamKind::Choice { of } if !of.is_empty() => {
            let count = u64::try_from(of.len()).unwrap_or(1);
            let n = usize::try_from(number(bytes) % count).unwrap_or(0);
            text(&of[n])
        }
        ParamKind::Name { prefix } => {
            let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]);
            let drawn: String = bytes.iter().map(letter).take(LENGTH).collect();
            let prefix = prefix.as_deref().unwrap_or("x");
            format!("{prefix}-{drawn}")
        }
        ParamKind::Int { range: None } | ParamKind::Choice { .. } => text(&param.default),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab() -> Lab {
        let text = "apiVersion: lab/v1alpha1\nkind: Lab\nmetadata: { id: t, title: t, languages: [ja, en] }\nparams:\n  door: { kind: int, range: [8081, 8999], default: 8080 }\n  colour: { kind: choice, of: [red, green, 3], default: red }\n  name: { kind: name, prefix: web, default: web }\nsteps: [ { id: s, title: s, text: s } ]\n";
        let (lab, findings) = Lab::parse("t.yaml", text, &mut |_| None);
        lab.unwrap_or_else(|| panic!("{findings:?}"))
    }

    #[test]
    fn a_student_gets_the_same_values_again_and_another_student_others() {
        let lab = lab();
        let anna = lab.params_of(b"key", "anna");
        assert_eq!(anna, lab.params_of(b"key", "anna"));
        assert_ne!(anna, lab.params_of(b"key", "boris"));
        assert_ne!(anna, lab.params_of(b"other key", "anna"));
        assert_ne!(lab.seed_of(b"key", "anna"), lab.seed_of(b"key", "boris"));
    }

    #[test]
    fn values_are_drawn_from_what_the_lesson_allows_and_reach_all_of_it() {
        let lab = lab();
        let all: Vec<_> = (0..300)
            .map(|n| lab.params_of(b"key", &n.to_string()))
            .collect();
        for values in &all {
            let port: i64 = values["door"].parse().expect("a number");
            assert!((8081..=8999).contains(&port), "{port}");
            assert!(["red", "green", "3"].contains(&values["colour"].as_str()));
            let name = &values["name"];
            assert!(name.starts_with("web-") && name.len() == 9, "{name}");
        }
        for colour in ["red", "green", "3"] {
            assert!(all.iter().any(|values| values["colour"] == colour));
        }
    }
}
