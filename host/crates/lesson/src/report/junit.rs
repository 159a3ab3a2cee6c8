//! The report for CI systems, as JUnit XML. Never carries a time stamp; durations are virtual.

use super::{Expectation, Failure, ItemReport, Report, Status};
use crate::lab::Lang;
use clock::{Duration, Instant};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

pub(super) fn text(reports: &[Report], lang: Lang) -> String {
    let name = match reports {
        [report] => report.lab.as_str(),
        _ => "lab",
    };
    let mut junit = quick_junit::Report::new(name);
    junit.set_time(reports.iter().map(|report| report.took).sum::<Duration>());
    for report in reports {
        junit.add_test_suites(suites(report, lang));
    }
    junit.to_string().unwrap_or_default()
}

fn suites(report: &Report, lang: Lang) -> Vec<TestSuite> {
    let suite =
        |id: &str, began: Option<Instant>, items: &[ItemReport], expectations: &[Expectation]| {
            let mut suite = TestSuite::new(format!("{}.{id}", report.lab));
            suite.add_test_cases(
                items
                    .iter()
                    .map(|item| case_of_item(report, id, item, lang)),
            );
            suite.add_test_cases(
                expectations
                    .iter()
                    .map(|then| case_of_check(report, id, began, then, lang)),
            );
            suite
        };
    let steps = report
        .steps
        .iter()
        .map(|step| suite(&step.id, step.began, &step.items, &step.then));
    let tasks = report
        .tasks
        .iter()
        .map(|task| suite(&task.id, task.began, &task.items, &task.checks));
    steps.chain(tasks).collect()
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
