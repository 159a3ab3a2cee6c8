//! The ten letters that tell one pod template from the next. Never depends on the order of fields.

use serde_json::Value;

const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A hash of a template in the letters Kubernetes uses: 32 bits of FNV-1a, each decimal digit spelled safely.
///
/// The bits differ from upstream's, which hashes Go's own print of the structure.
#[must_use]
pub fn template_hash(template: &Value, collisions: i64) -> String {
    let mut text = template.to_string();
    if collisions > 0 {
        text.push_str(&collisions.to_string());
    }
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash.to_string()
        .bytes()
        .map(|digit| char::from(SAFE[usize::from(digit) % SAFE.len()]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_hash_is_spelled_as_in_kubernetes_and_depends_on_the_content_only() {
        let one: Value = serde_json::from_str(r#"{"a":1,"b":2}"#).expect("valid");
        let same: Value = serde_json::from_str(r#"{"b":2,"a":1}"#).expect("valid");
        assert_eq!(template_hash(&one, 0), template_hash(&same, 0));
        assert_ne!(template_hash(&one, 0), template_hash(&json!({"a": 1}), 0));
        assert_ne!(template_hash(&one, 0), template_hash(&one, 1));
        // Every digit of a number becomes one of ten letters, as in `8446c54977`.
        assert!(
            template_hash(&one, 0)
                .bytes()
                .all(|letter| b"456789bcdf".contains(&letter))
        );
    }
}
