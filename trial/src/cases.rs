//! The file format of cases. Never runs one.
//!
//! ```text
//! === what the case is called
//! differs: why ours answers otherwise (the test fails when it no longer does)
//! compare: stdout, stderr, code        (stdout and code when it is not said)
//! ---
//! the script, run by the shell of each side
//! ```

/// One script and how its outcomes are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// A claim, unique in its file.
    pub name: String,
    /// Why the outcomes differ, when they are meant to.
    pub differs: Option<String>,
    /// Whether the standard error is compared too.
    pub stderr: bool,
    /// What a shell runs.
    pub script: String,
}

/// Reads a file of cases.
///
/// # Panics
/// When the text is not in the format, with the case's name: a broken test file is a broken test.
#[must_use]
pub fn cases(text: &str) -> Vec<Case> {
    let blocks = text.split("\n=== ").enumerate().filter_map(|(at, block)| {
        if at == 0 {
            block.strip_prefix("=== ")
        } else {
            Some(block)
        }
    });
    let cases: Vec<Case> = blocks.map(case).collect();
    for (at, case) in cases.iter().enumerate() {
        assert!(
            cases[..at].iter().all(|other| other.name != case.name),
            "two cases are called {:?}",
            case.name
        );
    }
    cases
}

fn case(block: &str) -> Case {
    let (head, script) = block
        .split_once("\n---\n")
        .unwrap_or_else(|| panic!("a case without ---: {block}"));
    let mut lines = head.lines();
    let mut case = Case {
        name: lines.next().unwrap_or_default().trim().to_owned(),
        differs: None,
        stderr: false,
        script: format!("{}\n", script.trim_end_matches('\n')),
    };
    for line in lines.filter(|line| !line.trim().is_empty()) {
        match line.split_once(':') {
            Some(("differs", reason)) => case.differs = Some(reason.trim().to_owned()),
            Some(("compare", what)) => case.stderr = what.contains("stderr"),
            _ => panic!("{}: what is {line:?}?", case.name),
        }
    }
    case
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_cases_is_read_with_its_reasons() {
        let text = "=== one\n---\necho 1\n\n=== two\ndiffers: because\ncompare: stdout, stderr, code\n---\necho 2\n";
        let read = cases(text);
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].script, "echo 1\n");
        assert_eq!(read[1].differs.as_deref(), Some("because"));
        assert!(read[1].stderr && !read[0].stderr);
    }
}
