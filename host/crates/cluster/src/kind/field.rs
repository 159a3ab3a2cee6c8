//! What is wrong with a field, in the words of Kubernetes' validation. Never decides what is wrong.

use serde_json::Value;

/// One finding of validation: a cause of an `Invalid` answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The machine-readable reason, such as `FieldValueInvalid`.
    pub reason: &'static str,
    /// The path of the field, such as `spec.ports[0].port`.
    pub field: String,
    /// What is wrong with it, without the path.
    pub message: String,
}

impl FieldError {
    fn new(reason: &'static str, field: impl Into<String>, message: String) -> Self {
        Self {
            reason,
            field: field.into(),
            message,
        }
    }
}

/// The findings so far, in the order they are to be told.
#[derive(Clone, Debug, Default)]
pub struct Findings(pub Vec<FieldError>);

impl Findings {
    /// A field that must be there is not.
    pub fn required(&mut self, field: impl Into<String>, detail: &str) {
        let message = match detail {
            "" => "Required value".to_owned(),
            _ => format!("Required value: {detail}"),
        };
        self.0
            .push(FieldError::new("FieldValueRequired", field, message));
    }

    /// A value breaks a rule.
    pub fn invalid(&mut self, field: impl Into<String>, value: &Value, detail: impl AsRef<str>) {
        let message = format!("Invalid value: {value}: {}", detail.as_ref());
        self.0
            .push(FieldError::new("FieldValueInvalid", field, message));
    }

    /// A value is none of those that are possible.
    pub fn unsupported(&mut self, field: impl Into<String>, value: &str, supported: &[&str]) {
        let supported: Vec<String> = supported.iter().map(|one| format!("\"{one}\"")).collect();
        let list = supported.join(", ");
        let message = format!("Unsupported value: \"{value}\": supported values: {list}");
        self.0
            .push(FieldError::new("FieldValueNotSupported", field, message));
    }

    /// A value stands twice in a list where it may stand once.
    pub fn duplicate(&mut self, field: impl Into<String>, value: &Value) {
        let message = format!("Duplicate value: {value}");
        self.0
            .push(FieldError::new("FieldValueDuplicate", field, message));
    }

    /// As [`Self::duplicate`]; `printed` is how Go prints the value.
    pub fn duplicate_printed(&mut self, field: impl Into<String>, printed: &str) {
        let message = format!("Duplicate value: {printed}");
        self.0
            .push(FieldError::new("FieldValueDuplicate", field, message));
    }

    /// A field that must not be there is.
    pub fn forbidden(&mut self, field: impl Into<String>, detail: &str) {
        let message = format!("Forbidden: {detail}");
        self.0
            .push(FieldError::new("FieldValueForbidden", field, message));
    }

    /// A value names something that is not there.
    pub fn not_found(&mut self, field: impl Into<String>, value: &Value) {
        let message = format!("Not found: {value}");
        self.0
            .push(FieldError::new("FieldValueNotFound", field, message));
    }

    /// A text exceeds `max` bytes.
    pub fn too_long(&mut self, field: impl Into<String>, max: usize) {
        let message = format!("Too long: may not be more than {max} bytes");
        self.0
            .push(FieldError::new("FieldValueTooLong", field, message));
    }

    /// A value breaks a rule; `printed` is how Go prints it, which JSON cannot say.
    pub fn invalid_printed(&mut self, field: impl Into<String>, printed: &str, detail: &str) {
        let message = format!("Invalid value: {printed}: {detail}");
        self.0
            .push(FieldError::new("FieldValueInvalid", field, message));
    }

    /// A list has more elements than it may.
    pub fn too_many(&mut self, field: impl Into<String>, count: usize, max: usize) {
        let items = if max == 1 { "item" } else { "items" };
        let message = format!("Too many: {count}: must have at most {max} {items}");
        self.0
            .push(FieldError::new("FieldValueTooMany", field, message));
    }

    /// Puts the findings since there were `count` of them before those from `at` on.
    pub fn move_to(&mut self, at: usize, count: usize) {
        let later = self.0.split_off(count.min(self.0.len()));
        let at = at.min(self.0.len());
        self.0.splice(at..at, later);
    }

    /// `value` must be one of `supported`; absence is no finding.
    pub fn one_of(&mut self, field: &str, value: &Value, supported: &[&str]) {
        if let Some(value) = value.as_str()
            && !supported.contains(&value)
        {
            self.unsupported(field, value, supported);
        }
    }

    /// `value`, when present, must be at least zero.
    pub fn not_negative(&mut self, field: &str, value: &Value) {
        if value.as_i64().is_some_and(|number| number < 0) {
            self.invalid(field, value, "must be greater than or equal to 0");
        }
    }

    /// Every message in `details` is a finding about the same value.
    pub fn all_invalid(&mut self, field: &str, value: &Value, details: Vec<String>) {
        for detail in details {
            self.invalid(field, value, detail);
        }
    }
}
