//! What is wrong with broken lessons, and where. Never plays one.

use crate::shell::step;
use lesson::{Lab, Severity};

/// The findings of a lesson, one line each.
fn findings(text: &str) -> Vec<String> {
    let (_, findings) = Lab::parse("labs/t.yaml", text, &mut |path| {
        (path == "files/a.yaml").then(|| "a: 1\n".into())
    });
    findings.iter().map(ToString::to_string).collect()
}

/// A lesson with exactly this one thing wrong.
#[track_caller]
fn wrong(text: &str, expected: &str) {
    let found = findings(text);
    assert_eq!(found.len(), 1, "{found:#?}\n{text}");
    assert_eq!(found[0], expected.trim(), "{text}");
}

fn then(assertion: &str) -> String {
    step(&format!("    then:\n      - {assertion}\n"))
}

#[test]
fn a_right_lesson_has_no_findings() {
    let empty: [String; 0] = [];
    assert_eq!(findings(&step("")), empty);
    assert_eq!(
        findings(&then("{ now: true, resource: { ref: pod/a } }")),
        empty
    );
}

#[test]
fn each_mistake_gives_one_finding_at_its_place() {
    for (text, expected) in [
        (
            "a: [1\n".to_owned(),
            "labs/t.yaml:2:1  LAB001 error  while parsing a flow sequence, expected ',' or ']'",
        ),
        (
            format!("{}---\nkind: Lab\n", step("")),
            "labs/t.yaml:9:1  LAB001 error  a second document begins here; one lesson is one file",
        ),
        (
            step("").replace("v1alpha1", "v2"),
            "labs/t.yaml:1:13  LAB002 error  `lab/v2` is a newer format than this lab reads\n    this lab reads lab/v1alpha1",
        ),
        (
            step("").replace("kind: Lab", "kind: Pod"),
            "labs/t.yaml:2:7  LAB002 error  a file of kind `Pod` is not known\n    a file is of kind `Lab`, `Course`, `Claims`, `Commands` or `Glossary`",
        ),
        (
            step("").replace("kind: Lab", "kind: Grade"),
            "labs/t.yaml:2:7  LAB009 error  not in this lab yet: files of kind `Grade`",
        ),
        (
            step("    thne: []\n"),
            "labs/t.yaml:8:5  LAB003 error  steps[0] has no field `thne`\n    did you mean `then`?",
        ),
        (
            then("{ resource: { ref: pod/a, mtach: {} } }"),
            "labs/t.yaml:9:35  LAB003 error  resource has no field `mtach`\n    did you mean `match`?",
        ),
        (step("").replace("    text: s\n", ""), "labs/t.yaml:5:5  LAB007 error  `text` is missing here"),
        (
            then("{ title: x, now: true }"),
            "labs/t.yaml:9:9  LAB010 error  `then[0]` has no subject\n    say what it is about: resource, endpoints, http, tcp, dns, exec, output, flow, distribution, file, answer, cel, all, any, not",
        ),
        (
            then("{ now: true, always: 5s, resource: { ref: pod/a } }"),
            "labs/t.yaml:9:22  LAB011 error  `then[0]` has two modes (now, always); an assertion takes one\n    split it into two assertions",
        ),
        (
            then("{ resource: { ref: pod/a }, cel: '1 == 1' }"),
            "labs/t.yaml:9:37  LAB012 error  `then[0]` has two subjects (resource, cel); an assertion takes one\n    split it into two assertions, or wrap them in `all:`",
        ),
        (
            then("{ always: true, resource: { ref: pod/a } }"),
            "labs/t.yaml:9:19  LAB013 error  `always` takes a duration\n    how long must it hold? for instance `30s` of virtual time",
        ),
        (
            then("{ resource: { ref: pod, absent: true, count: 2 } }"),
            "labs/t.yaml:9:47  LAB014 error  `absent` and `count` cannot both hold",
        ),
        (
            then("{ eventually: 2h, resource: { ref: pod/a } }"),
            "labs/t.yaml:9:9  LAB015 error  7200s is longer than `limits.virtual` (1200s)",
        ),
        (
            step("    do: [ { run: 'sleep 5; kubectl get pods' } ]\n"),
            "labs/t.yaml:8:11  LAB016 error  a command sleeps\n    time is virtual: say with `eventually:` what to wait for",
        ),
        (
            then("{ eventually: 30, resource: { ref: pod/a } }"),
            "labs/t.yaml:9:23  LAB013 error  `eventually` takes a duration\n    how long must it hold? for instance `30s` of virtual time",
        ),
        (
            then("{ eventually: 30sec, resource: { ref: pod/a } }"),
            "labs/t.yaml:9:23  LAB008 error  `30sec` is not a duration\n    write a number and a unit: 500ms, 30s, 6m, 2h, 1d",
        ),
        (
            step("").replace("title: s", "title: { ja: 題 }"),
            "labs/t.yaml:6:12  LAB020 error  `en` is missing here",
        ),
        (
            step("").replace("text: s", "text: { ja: '`kubectl get po`', en: '`kubectl get pods`' }"),
            "labs/t.yaml:7:11  LAB021 warning  the code spans and placeholders of ja and en differ",
        ),
        (
            step("    do: [ { run: 'curl @(ip)' } ]\n"),
            "labs/t.yaml:8:11  LAB030 error  nothing captures `ip` before this\n    capture it in an earlier `like` with `@(type as name)`, or in `resource.capture`",
        ),
        (
            step("    do:\n      - { run: x, like: '@(ipp as addr)' }\n"),
            "labs/t.yaml:9:25  LAB008 error  `@(ipp as addr)`: there is no hole of type `ipp` (there are ip, port, age, hash, int, word, rest, *)",
        ),
        (
            step("    do: [ { heal: crash } ]\n"),
            "labs/t.yaml:8:11  LAB033 error  no fault has the id `crash`",
        ),
        (
            step("").replace("steps:", "environment: { files: [ { path: a.yaml, from: files/b.yaml } ] }\nsteps:"),
            "labs/t.yaml:4:47  LAB040 error  there is no file `files/b.yaml` beside the lesson",
        ),
        (
            step("").replace(
                "steps:",
                "environment: { files: [ { path: a.yaml, from: files/a.yaml } ], manifests: [b.yaml] }\nsteps:",
            ),
            "labs/t.yaml:4:77  LAB040 error  there is no file `b.yaml`\n    did you mean `a.yaml`?",
        ),
        (
            step("").replace("steps:", "environment: { files: [ { path: a, from: ../../etc/passwd } ] }\nsteps:"),
            "labs/t.yaml:4:42  LAB041 error  `../../etc/passwd` is outside the lesson's folder",
        ),
        (
            step("").replace("steps:", "environment: { network: { policy: false } }\nsteps:"),
            "labs/t.yaml:4:27  LAB009 error  not in this lab yet: a network that does not enforce NetworkPolicies (`policy: false`)",
        ),
        (
            step("    quiz: [ { id: q, kind: single, prompt: '?', choices: [ { id: a, text: a, why: w } ] } ]\n"),
            "labs/t.yaml:8:13  LAB060 error  no choice is right\n    mark one with `correct: true`",
        ),
        (
            then("{ tcp: { from: moon, to: 'a:80', is: open } }"),
            "labs/t.yaml:9:24  LAB008 error  `moon` is not a place\n    workstation, control-plane, node/NAME, pod/NAME, pod/label=value, deploy/NAME, host/NAME, internet",
        ),
        (
            then("{ tcp: { from: workstation, to: 'a:80', is: refuse } }"),
            "labs/t.yaml:9:53  LAB008 error  `refuse` is not known here\n    did you mean `refused`?",
        ),
        (
            then("{ cel: '1 +' }"),
            "",
        ),
    ] {
        if expected.is_empty() {
            let found = findings(&text);
            assert!(found.len() == 1 && found[0].contains("is not a CEL expression"), "{found:?}");
        } else {
            wrong(&text, expected);
        }
    }
}

const TASK: &str = "tasks:
  - id: t
    title: t
    text: t
    checks:
      - { id: a, title: a, points: 1, needs: [b], resource: { ref: pod/a } }
      - { id: b, title: b, points: 1, resource: { ref: pod/b } }
    solution: {}
";

#[test]
fn checks_must_be_worth_something_and_come_to_an_end() {
    let text = step("") + TASK;
    assert!(findings(&text).is_empty());
    wrong(
        &text.replace("title: b, points: 1, ", "title: b, "),
        "labs/t.yaml:14:9  LAB050 error  `checks[1]` has no `points`; a check shows what it is worth",
    );
    wrong(
        &text.replace("title: b, points: 1,", "title: b, points: 1, needs: [a],"),
        "labs/t.yaml:13:9  LAB053 error  `needs` goes round in a circle",
    );
    wrong(
        &text.replace("needs: [b]", "needs: [c]"),
        "labs/t.yaml:13:9  LAB053 error  `needs` names `c`, which is not here",
    );
    wrong(
        &text.replace("title: b,", "title: b, visibility: hidden,"),
        "labs/t.yaml:14:28  LAB052 error  a hidden check stands in the learner's file\n    put it into the lesson's `.grade.yaml`",
    );
}

#[test]
fn several_mistakes_are_told_at_once_in_order() {
    let text = then("{ now: true, resource: { ref: pod/a, nmae: x }, needs: [z] }")
        .replace("title: s", "titel: s");
    let codes: Vec<String> = findings(&text)
        .iter()
        .map(|line| line.split("  ").next().unwrap().to_owned())
        .collect();
    assert_eq!(
        codes,
        [
            "labs/t.yaml:5:5",
            "labs/t.yaml:6:5",
            "labs/t.yaml:9:9",
            "labs/t.yaml:9:46"
        ]
    );
}

#[test]
fn a_warning_does_not_stop_a_lesson() {
    let text = step("").replace("text: s", "text: { ja: '`a`', en: '`b`' }");
    let (lab, findings) = Lab::parse("t", &text, &mut |_| None);
    assert!(lab.is_some());
    assert_eq!(findings[0].severity, Severity::Warning);
}
