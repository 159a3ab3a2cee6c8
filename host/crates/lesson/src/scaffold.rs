//! A new lesson to write on from: one step, one question, one task with its checks, a solution
//! and wrong answers. It is clean and proves itself before its author has changed a word.
//!
//! Never writes a file.

/// The files of a new lesson: path inside the folder of lessons, and text. `None` when the id is
/// not one.
#[must_use]
pub fn scaffold(id: &str, order: Option<u32>) -> Option<Vec<(String, String)>> {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = id.len() <= 63
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.chars().all(letters);
    if !fits {
        return None;
    }
    let order_line = order.map_or_else(String::new, |order| format!("  order: {order}\n"));
    let lesson = LESSON.replace("{id}", id).replace("{order}", &order_line);
    let name = order.map_or_else(|| id.to_owned(), |order| format!("{order:02}-{id}"));
    Some(vec![
        (format!("{name}.yaml"), lesson),
        (format!("files/{id}-web.yaml"), MANIFEST.to_owned()),
    ])
}

const MANIFEST: &str = include_str!("scaffold/web.yaml");

const LESSON: &str = include_str!("scaffold/lesson.yaml");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Known, formatted, lint_text};

    #[test]
    fn a_new_lesson_has_no_findings_and_is_in_its_usual_form() {
        for order in [None, Some(20)] {
            let files = scaffold("my-lesson", order).expect("an id");
            let (name, lesson) = &files[0];
            let mut beside = |path: &str| {
                let file = files.iter().find(|(name, _)| name == path);
                file.map(|(_, text)| text.clone())
            };
            let (document, findings) = lint_text(name, lesson, &mut beside, &Known::default());
            assert!(document.is_some() && findings.is_empty(), "{findings:#?}");
            assert_eq!(formatted(lesson).as_ref(), Some(lesson));
        }
    }

    #[test]
    fn what_is_no_id_makes_no_lesson() {
        for id in ["", "My-Lesson", "1st", "a_b", "../x"] {
            assert!(scaffold(id, None).is_none(), "{id}");
        }
    }
}
