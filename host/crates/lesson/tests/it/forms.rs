//! The forms of the format one by one, against a scripted shell. Never a real world.

use crate::shell::{Shell, lab, step};
use lesson::{Attempt, Failed, Options, Outcome, Probe, ProbeOutcome, Report, Shown, Status};
use serde_json::json;

fn file(
    content: Option<&'static str>,
) -> impl FnMut(clock::Instant, &lesson::Place, &Probe) -> ProbeOutcome {
    move |_, _, probe| match probe {
        Probe::File { .. } => ProbeOutcome::File(content.map(str::to_owned)),
        _ => ProbeOutcome::Open,
    }
}

/// Whether an assertion holds for a file with this content.
fn file_holds(subject: &str, content: Option<&'static str>) -> bool {
    let text = step(&format!(
        "    then:\n      - {{ now: true, file: {subject} }}\n"
    ));
    let report = Shell::new(&text).probe(file(content)).drive();
    report.outcome == Outcome::Passed
}

#[test]
fn a_file_is_judged_by_its_presence_text_value_and_number_of_documents() {
    let two = Some("kind: Service\n---\nkind: Deployment\n");
    for (subject, content, holds) in [
        ("{ path: a.yaml }", Some(""), true),
        ("{ path: a.yaml }", None, false),
        ("{ path: a.yaml, exists: false }", None, true),
        ("{ path: a.yaml, exists: false }", Some(""), false),
        (
            "{ path: a.yaml, text: { $contains: hostPort } }",
            Some("hostPort: 80"),
            true,
        ),
        (
            "{ path: a.yaml, text: { $not_contains: hostPort } }",
            Some("hostPort: 80"),
            false,
        ),
        (
            "{ path: a.yaml, yaml: { kind: Service } }",
            Some("kind: Service\nspec: {}\n"),
            true,
        ),
        (
            "{ path: a.yaml, yaml: { spec: { clusterIP: { $absent: true } } } }",
            Some("spec: {}\n"),
            true,
        ),
        (
            "{ path: a.yaml, yaml: { kind: Service } }",
            Some("kind: [\n"),
            false,
        ),
        ("{ path: a.yaml, docs: 2 }", two, true),
        ("{ path: a.yaml, docs: 1 }", two, false),
        (
            "{ path: a.yaml, yaml: { $any: { kind: Deployment } } }",
            two,
            true,
        ),
        (
            "{ path: a.yaml, yaml: { $each: { kind: Service } } }",
            two,
            false,
        ),
    ] {
        assert_eq!(
            file_holds(subject, content),
            holds,
            "{subject} of {content:?}"
        );
    }
}

#[test]
fn what_is_opened_must_be_there_and_hold_what_is_pointed_at() {
    let text = step("    do: [ { open: svc.yaml, select: 'ports:' } ]\n").replace(
        "steps:",
        "environment: { files: [ { path: svc.yaml, content: 'x' } ] }\nsteps:",
    );
    let open = |content| Shell::new(&text).probe(file(content)).drive().outcome;
    assert_eq!(open(Some("spec:\n  ports: []\n")), Outcome::Passed);
    assert_eq!(open(Some("spec: {}\n")), Outcome::Failed);
    assert_eq!(open(None), Outcome::Failed);
}

#[test]
fn an_edit_is_shown_as_the_command_and_carries_its_patch_with_captures() {
    let text = step(concat!(
        "    do:\n",
        "      - { run: get, like: '@(port as np)' }\n",
        "      - edit: svc my-nginx\n",
        "        patch: [ { op: replace, path: /spec/ports/0/nodePort, value: '@(np)' } ]\n",
    ));
    let mut shell = Shell::new(&text).run("get", "30080", "", 0);
    let report = shell.drive();
    assert_eq!(report.outcome, Outcome::Passed);
    assert_eq!(report.steps[0].items[1].what, "$ kubectl edit svc my-nginx");
    assert_eq!(
        shell.log[1],
        r#"edit svc my-nginx [{"op":"replace","path":"/spec/ports/0/nodePort","value":"30080"}]"#
    );
}

#[test]
fn a_page_is_opened_from_its_machine_and_a_page_that_does_not_come_fails() {
    let play = |url: &str| {
        let text = step(&format!(
            "    do: [ {{ browse: '{url}', from: host/laptop }} ]\n"
        ));
        let mut shell = Shell::new(&text);
        (shell.drive(), shell.log)
    };
    let (report, log) = play("http://web/");
    assert_eq!(report.outcome, Outcome::Passed);
    assert_eq!(report.steps[0].items[0].stdout, "200 OK\nWelcome\n");
    assert_eq!(log, ["[host/laptop] browse http://web/"]);
    assert_eq!(play("http://nobody/").0.outcome, Outcome::Failed);
}

#[test]
fn sessions_are_terminals_by_name_and_commands_without_one_share_the_machines_shell() {
    let text = step(concat!(
        "    do:\n",
        "      - { run: a }\n",
        "      - { run: b, session: other }\n",
        "      - { key: ctrl-c, session: other }\n",
    ));
    let mut shell = Shell::new(&text).run("a", "", "", 0).run("b", "", "", 0);
    assert_eq!(shell.drive().outcome, Outcome::Passed);
    assert_eq!(
        shell.log,
        [
            "[workstation] a",
            "[workstation other] b",
            "key CtrlC other"
        ]
    );
}

#[test]
fn places_are_in_the_lessons_namespace_unless_they_name_another() {
    let text = step(concat!(
        "    then:\n",
        "      - { tcp: { from: pod/app=a, to: 'web:80', is: open } }\n",
        "      - { tcp: { from: deploy/a@other, to: 'web:80', is: open } }\n",
    ))
    .replace("steps:", "defaults: { namespace: shop }\nsteps:");
    let mut shell = Shell::new(&text);
    assert_eq!(shell.drive().outcome, Outcome::Passed);
    assert_eq!(
        shell.log,
        [
            "0.0 probe from pod/app=a@shop",
            "0.0 probe from deploy/a@other"
        ]
    );
}

#[test]
fn packets_are_counted() {
    let flow = |count: &str| {
        let text = step(&format!(
            "    then:\n      - {{ eventually: 10s, flow: {{ match: {{ ip: {{ dst: 10.0.0.1 }} }}, count: {count} }} }}\n"
        ));
        let shell = Shell::new(&text)
            .packet(1_000, "10.0.0.1")
            .packet(2_000, "10.0.0.1");
        let mut shell = shell.packet(3_000, "10.0.0.2");
        shell.drive().outcome
    };
    assert_eq!(flow("2"), Outcome::Passed);
    assert_eq!(flow("{ $gte: 3 }"), Outcome::Failed);
    assert_eq!(flow("0"), Outcome::Passed, "at first there is none");
}

const TASK: &str = "
tasks:
  - id: front
    title: front
    text: front
    checks:
      - { id: there, title: there, points: 1, required: true, eventually: 1s, resource: { ref: service/front } }
      - { id: nodes, title: nodes, points: 3, partial: fraction, eventually: 1s, http: { from: 'node/@(each)', for_each: [a, b, c], url: 'http://front/', status: 200 } }
    solution: { run: [solve] }
    alternatives: [ { name: other, run: [solve-otherwise] } ]
    mutants: [ { name: nothing-done, run: [\"true\"], fails: [there], score: 0 } ]
";

fn solved(there: bool, answering: &'static str, attempt: Attempt) -> (Report, Vec<String>) {
    let front = json!({"kind": "Service", "metadata": {"name": "front"}});
    let options = Options {
        attempt,
        ..Options::default()
    };
    let mut shell = Shell::with(&step(TASK), options)
        .run("solve", "", "", 0)
        .run("solve-otherwise", "", "", 0)
        .run("true", "", "", 0)
        .probe(move |_, from, _| {
            let name = from.to_string().replace("node/", "");
            if answering.contains(&name) {
                ProbeOutcome::Http {
                    status: 200,
                    body: String::new(),
                    served_by: None,
                }
            } else {
                ProbeOutcome::Failed(Failed::Refused, String::new())
            }
        });
    if there {
        shell = shell.at(0, "service", vec![front]);
    }
    (shell.drive(), shell.log)
}

#[test]
fn a_check_of_several_places_earns_its_share_if_it_says_so() {
    let points = |answering| solved(true, answering, Attempt::Solution).0.points();
    assert_eq!(points("abc"), (4.0, 4.0));
    assert_eq!(points("ab"), (3.0, 4.0));
    assert_eq!(points(""), (1.0, 4.0));
}

#[test]
fn without_a_required_check_nothing_counts() {
    assert_eq!(
        solved(false, "abc", Attempt::Solution).0.points(),
        (0.0, 4.0)
    );
}

#[test]
fn an_alternative_is_an_attempt_that_must_score_full() {
    let lab = lab(&step(TASK));
    let other = Attempt::Alternative {
        task: "front".into(),
        name: "other".into(),
    };
    assert!(Attempt::all(&lab).contains(&other));
    let (report, log) = solved(true, "abc", other.clone());
    assert_eq!(log[0], "[workstation] solve-otherwise");
    assert!(report.contradictions(&lab, &other).is_empty());
    let (report, _) = solved(true, "ab", other.clone());
    assert_eq!(report.contradictions(&lab, &other).len(), 1);
}

const ANSWERS: &str = concat!(
    "    quiz:\n",
    "      - { id: port, kind: single, prompt: p, choices: [ { id: port-is, text: p, correct: true, why: w }, { id: target, text: t, why: w } ] }\n",
    "      - { id: both, kind: multi, prompt: p, choices: [ { id: ay, text: a, correct: true, why: w }, { id: be, text: b, correct: true, why: w }, { id: ce, text: c, why: w } ] }\n",
    "      - { id: queue, kind: order, prompt: p, choices: [ { id: first, text: a, why: w }, { id: second, text: b, why: w } ] }\n",
    "      - { id: count, kind: number, prompt: p, answer: { $between: [3, 5] } }\n",
    "      - { id: word, kind: short, prompt: p, answer: ClusterIP }\n",
    "tasks:\n",
    "  - id: quizzes\n",
    "    title: t\n",
    "    text: t\n",
    "    submit: [ { path: answers.yaml, schema: answers } ]\n",
    "    checks:\n",
    "      - { id: c-port, title: t, points: 1, answer: { quiz: port } }\n",
    "      - { id: c-both, title: t, points: 1, answer: { quiz: both } }\n",
    "      - { id: c-queue, title: t, points: 1, answer: { quiz: queue } }\n",
    "      - { id: c-count, title: t, points: 1, answer: { quiz: count } }\n",
    "      - { id: c-word, title: t, points: 1, answer: { quiz: word } }\n",
    "    solution: { files: { answers.yaml: \"port: port-is\\nboth: [be, ay]\\nqueue: [first, second]\\ncount: 4\\nword: ClusterIP\\n\" } }\n",
    "    mutants:\n",
    "      - { name: wrong, files: { answers.yaml: \"port: target\\nboth: [ay]\\nqueue: [second, first]\\ncount: 6\\nword: NodePort\\n\" }, fails: [c-port, c-both, c-queue, c-count, c-word], score: 0 }\n",
    "      - { name: half, files: { answers.yaml: \"port: port-is\\ncount: 4\\n\" }, fails: [c-both, c-queue, c-word], score: 2 }\n",
);

#[test]
fn answers_that_are_handed_in_are_judged_by_the_keys_of_every_kind_of_quiz() {
    let text = step(ANSWERS);
    let lab = lab(&text);
    for attempt in Attempt::all(&lab) {
        let options = Options {
            attempt: attempt.clone(),
            ..Options::default()
        };
        let report = Shell::with(&text, options).drive();
        let wrong = report.contradictions(&lab, &attempt);
        assert!(wrong.is_empty(), "{attempt:?}: {wrong:?}");
    }
}

#[test]
fn a_claim_is_shown_only_by_what_ran_and_passed() {
    let text = step(concat!(
        "    covers: [K1]\n",
        "    do: [ { run: a, covers: [K2] } ]\n",
        "    then: [ { id: fine, now: true, cel: '1 == 1', covers: [K3] }, { id: bad, now: true, cel: '1 == 2', covers: [K4] } ]\n",
        "    quiz: [ { id: why, kind: short, prompt: p, answer: x, covers: [K5] } ]\n",
    ));
    let report = Shell::new(&text).run("a", "", "", 0).drive();
    let shown = report.shown();
    let passed = |claim: &str| shown[claim].iter().all(|by: &Shown| by.passed);
    assert!(!passed("K1"), "an assertion of the step failed");
    assert!(passed("K2") && passed("K3"));
    assert!(!passed("K4") && !passed("K5"), "the quiz was not reached");
    assert_eq!(shown["K3"][0].by, "s/fine");
}

#[test]
fn a_quiz_names_what_was_captured() {
    let text = step(concat!(
        "    do: [ { run: get, like: '@(ip as podIP)' } ]\n",
        "    quiz: [ { id: who, kind: short, prompt: 'who has @(podIP)?', answer: web } ]\n",
    ));
    let report = Shell::new(&text).run("get", "10.0.0.7", "", 0).drive();
    assert_eq!(report.steps[0].quiz[0].prompt.en, "who has 10.0.0.7?");
}

#[test]
fn a_background_run_that_ends_by_a_mistake_fails() {
    let text = step("    do: [ { run: serve, background: true } ]\n");
    let ended = |exit| Shell::new(&text).run("serve", "", "no", exit).drive();
    assert_eq!(ended(0).outcome, Outcome::Passed);
    let Status::Failed(failure) = &ended(1).steps[0].items[0].status else {
        panic!("it failed");
    };
    assert_eq!(failure.seen.en, "exit is 1, expected 0: no");
}
