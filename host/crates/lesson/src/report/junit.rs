//! The report for CI systems, as JUnit XML. Never carries a time stamp; durations are virtual.

use super::{Expectation, Failure, ItemReport, Report, Status};
use crate::lab::Lang;
use clock::{Duration, Instant};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

pub(super) fn text(report: &Report, lang: Lang) -> String {
    let mut junit = quick_junit::Report::new(report.lab.as_str());
    junit.set_time(report.took);
    for step in &report.steps {
        let mut suite = TestSuite::new(format!("{}.{}", report.lab, step.id));
        suite.add_test_cases(
            step.items
                .iter()
                .map(|item| case_of_item(report, &step.id, item, lang)),
        );
        suite.add_test_cases(
            step.then
                .iter()
                .map(|then| case_of_check(report, &step.id, step.began, then, lang)),
        );
        junit.add_test_suite(suite);
    }
    for task in &report.tasks {
        let mut suite = TestSuite::new(format!("{}.{}", report.lab, task.id));
        suite.add_test_cases(
            task.items
                .iter()
                .map(|item| case_of_item(report, &task.id, item, lang)),
        );
        suite.add_test_cases(
            task.checks
                .iter()
                .map(|check| case_of_check(report, &task.id, task.began, check, lang)),
        );
        junit.add_test_suite(suite);
    }
    junit.to_string().unwrap_or_default()
}

fn case_of_item(report: &Report, group: &str, item: &ItemReport, lang: Lang) -> TestCase {
    let took = item
        .time
        .map(|(began, ended)| ended - began)
        .unwrap_or_default();
    let mut case = case(report, group, &item.what, &item.status, took, lang);
    if !item.stdout.is_empty() {
        case.set_system_out(item.stdout.as_str());
    }
    if !item.stderr.is_empty() {
        case.set_system_err(item.stderr.as_str());
    }
    case
}

fn case_of_check(
    report: &Report,
    group: &str,
    began: Option<Instant>,
    then: &Expectation,
    lang: Lang,
) -> TestCase {
    let took = then
        .at
        .zip(began)
        .map(|(at, began)| at - began)
        .unwrap_or_default();
    let mut case = case(
        report,
        group,
        then.title.get(lang),
        &then.status,
        took,
        lang,
    );
    if let Some(points) = then.points {
        case.add_property(("points", points.to_string().as_str()));
    }
    case
}

fn case(
    report: &Report,
    group: &str,
    name: &str,
    status: &Status,
    took: Duration,
    lang: Lang,
) -> TestCase {
    let status = match status {
        Status::Passed => TestCaseStatus::success(),
        Status::NotReached(why) => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(why.as_ref().map_or("not reached", |why| why.get(lang)));
            skipped
        }
        Status::Failed(failure) => {
            let mut failed = TestCaseStatus::non_success(NonSuccessKind::Failure);
            failed.set_type("assertion");
            failed.set_message(failure.seen.get(lang));
            failed.set_description(described(report, failure, lang));
            failed
        }
    };
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("{}.{group}", report.lab));
    case.set_time(took);
    case
}

fn described(report: &Report, failure: &Failure, lang: Lang) -> String {
    let place = format!(
        "{}:{}:{}",
        report.source, failure.pos.line, failure.pos.column
    );
    let mut lines = vec![
        failure.asked.get(lang).to_owned(),
        failure.seen.get(lang).to_owned(),
        place,
    ];
    lines.extend(
        failure
            .advice
            .iter()
            .map(|advice| advice.get(lang).to_owned()),
    );
    lines.join("\n")
}
