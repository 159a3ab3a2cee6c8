//! The shipped lessons, read and compared with recordings. Never plays one.

use crate::shell::read_lesson;

#[test]
fn every_lesson_reads_without_a_finding() {
    for number in ["03", "06", "07"] {
        let (lab, findings) = read_lesson(number);
        let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(told.is_empty() && lab.is_some(), "{}", told.join("\n"));
    }
}

#[test]
fn every_task_knows_wrong_answers() {
    for number in ["03", "06", "07"] {
        let (lab, _) = read_lesson(number);
        for task in lab.expect("the lesson reads").tasks {
            let ids = task
                .checks
                .iter()
                .filter_map(|check| check.assertion.id.clone());
            for id in ids {
                let caught = task.mutants.iter().any(|mutant| mutant.fails.contains(&id));
                assert!(caught, "{number} {}: no wrong answer fails `{id}`", task.id);
            }
        }
    }
}
