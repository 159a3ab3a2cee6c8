//! How a lesson is judged, against a scripted shell. Never a real world.

use crate::shell::{Shell, step};
use clock::Instant;
use lesson::{Attempt, Failed, Observation, Options, Outcome, Probe, ProbeOutcome, Report, Status};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn pod(name: &str, phase: &str, ip: &str) -> Value {
    json!({
        "kind": "Pod",
        "metadata": {"name": name},
        "status": {"phase": phase, "podIP": ip, "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

/// A pod that must be Running, in the given mode.
fn running(mode: &str) -> String {
    step(&format!(
        "    then:\n      - {{ title: up, {mode}resource: {{ ref: pod/a, match: {{ status: {{ phase: Running }} }} }} }}\n"
    ))
}

fn only(report: &Report) -> &Status {
    &report.steps[0].then[0].status
}

#[track_caller]
fn seen(report: &Report) -> &str {
    match only(report) {
        Status::Failed(failure) => &failure.seen.en,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn decided_at(report: &Report) -> f64 {
    report.steps[0].then[0]
        .at
        .unwrap()
        .since_start()
        .as_secs_f64()
}

#[test]
fn eventually_holds_at_the_first_state_that_fits_and_looks_no_further() {
    let mut shell = Shell::new(&running("eventually: 30s, "))
        .at(1_000, "pod", vec![pod("a", "Pending", "")])
        .at(2_000, "pod", vec![pod("a", "Running", "10.0.0.1")])
        .at(2_001, "pod", vec![]);
    let report = shell.drive();
    assert_eq!(report.outcome, Outcome::Passed);
    assert!((decided_at(&report) - 2.0).abs() < 1e-9);
    assert_eq!(shell.open_questions(), 0);
}

#[test]
fn a_state_reached_and_lost_between_two_events_is_a_state() {
    // Never: the pod is Running for one millisecond only.
    let mut shell = Shell::new(&running("never: 60s, "))
        .at(5_000, "pod", vec![pod("a", "Running", "10.0.0.1")])
        .at(5_001, "pod", vec![]);
    let report = shell.drive();
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(seen(&report), "pod/a fits");
    assert!((decided_at(&report) - 5.0).abs() < 1e-9);
}

#[test]
fn eventually_fails_when_the_window_ends_and_tells_the_last_thing_seen() {
    let mut shell =
        Shell::new(&running("eventually: 30s, ")).at(4_000, "pod", vec![pod("a", "Pending", "")]);
    let report = shell.drive();
    assert_eq!(
        seen(&report),
        "pod/a status.phase is \"Pending\", expected \"Running\""
    );
    assert!((decided_at(&report) - 30.0).abs() < 1e-9);
    let Status::Failed(failure) = only(&report) else {
        unreachable!()
    };
    assert_eq!(failure.since, Instant::from_secs(4));
    assert_eq!((failure.pos.line, failure.pos.column), (9, 9));
    assert_eq!(
        failure.asked.en,
        "within 30s: pod/a exists {status: {phase: \"Running\"}}"
    );
}

#[test]
fn a_missing_object_is_not_yet_and_not_a_verdict() {
    let report = Shell::new(&running(""))
        .at(29_000, "pod", vec![pod("a", "Running", "10.0.0.1")])
        .drive();
    assert_eq!(
        report.outcome,
        Outcome::Passed,
        "the default window is 30 s"
    );
}

#[test]
fn always_holds_only_if_no_state_of_the_window_differs() {
    let running_pod = || vec![pod("a", "Running", "10.0.0.1")];
    let through = Shell::new(&running("always: 60s, "))
        .at(0, "pod", running_pod())
        .drive();
    assert_eq!(
        through.outcome,
        Outcome::Failed,
        "at the first state there is no pod"
    );

    let text = step(concat!(
        "    then:\n",
        "      - { id: first, eventually: 5s, resource: { ref: pod/a } }\n",
        "      - { id: then, needs: [first], always: 60s, resource: { ref: pod/a } }\n",
    ));
    let good = Shell::new(&text).at(1_000, "pod", running_pod()).drive();
    assert_eq!(good.outcome, Outcome::Passed);
    assert_eq!(good.steps[0].then[1].at, Some(Instant::from_secs(61)));

    let lost = Shell::new(&text)
        .at(1_000, "pod", running_pod())
        .at(40_000, "pod", vec![])
        .drive();
    let Status::Failed(failure) = &lost.steps[0].then[1].status else {
        panic!()
    };
    assert_eq!(
        failure.seen.en,
        "it held from 1.0s to 40s, then: there is no such object"
    );
    assert_eq!(failure.at, Instant::from_secs(40));
}

#[test]
fn now_looks_once() {
    let late = Shell::new(&running("now: true, "))
        .at(1, "pod", vec![pod("a", "Running", "10.0.0.1")])
        .drive();
    assert_eq!(late.outcome, Outcome::Failed);
    assert!(decided_at(&late) < 1e-9);
}

#[test]
fn captures_of_an_object_open_the_assertions_that_wait_for_them() {
    let text = step(concat!(
        "    then:\n",
        "      - { id: use, tcp: { from: workstation, to: '@(ip-of-a):80', is: open } }\n",
        "      - { id: make, resource: { ref: pod/a, capture: { ip-of-a: '.status.podIP' } } }\n",
    ));
    let mut shell = Shell::new(&text).at(3_000, "pod", vec![pod("a", "Running", "10.0.0.7")]);
    let report = shell.drive();
    assert_eq!(report.outcome, Outcome::Passed);
    assert_eq!(shell.captures()["ip-of-a"], "10.0.0.7");
    assert_eq!(shell.log, ["3.0 probe from workstation"]);
}

#[test]
fn traffic_is_tried_again_with_longer_pauses_until_the_window_ends() {
    let text = step(
        "    then:\n      - { eventually: 5s, tcp: { from: node/a, to: 'web:80', is: open } }\n",
    );
    let refused = || ProbeOutcome::Failed(Failed::Refused, String::new());
    let mut shell = Shell::new(&text).probe(move |_, _, _| refused());
    let report = shell.drive();
    assert_eq!(seen(&report), "connection refused");
    let times: Vec<&str> = shell
        .log
        .iter()
        .filter(|line| line.contains(" probe "))
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        times,
        ["0.0", "0.2", "0.6", "1.4", "3.0"],
        "0.2 s, doubled each time up to 2 s"
    );

    let recovers = move |now: Instant, _: &lesson::Place, _: &Probe| {
        if now < Instant::from_secs(2) {
            refused()
        } else {
            ProbeOutcome::Open
        }
    };
    assert_eq!(
        Shell::new(&text).probe(recovers).drive().outcome,
        Outcome::Passed
    );
}

#[test]
fn a_timeout_can_be_what_is_wanted() {
    let text =
        step("    then:\n      - { tcp: { from: node/a, to: '10.0.0.1:80', is: timeout } }\n");
    let report = Shell::new(&text)
        .probe(|_, _, _| ProbeOutcome::Failed(Failed::Timeout, String::new()))
        .drive();
    assert_eq!(report.outcome, Outcome::Passed);
    assert_eq!(
        Shell::new(&text).drive().outcome,
        Outcome::Failed,
        "it connects"
    );
}

#[test]
fn each_place_is_probed_and_the_one_that_fails_is_named() {
    let text = step(
        "    then:\n      - { eventually: 1s, http: { from: 'node/@(each)', for_each: [a, b], url: 'http://web/', status: 200 } }\n",
    );
    let report = Shell::new(&text)
        .probe(|_, from, _| ProbeOutcome::Http {
            status: if from.to_string() == "node/b" {
                503
            } else {
                200
            },
            body: String::new(),
            served_by: None,
        })
        .drive();
    assert_eq!(seen(&report), "node/b: status is 503, expected 200");
}

#[test]
fn a_distribution_is_judged_by_its_deviation_not_by_who_won() {
    let text = step(
        "    then:\n      - { now: true, distribution: { from: node/a, url: 'http://web/', requests: 10000, p: [0.5, 0.5] } }\n",
    );
    // Ten thousand coins: σ = 50, so 4σ is 4800…5200.
    let split = |a: u64| {
        Shell::new(&text)
            .probe(move |_, _, _| {
                ProbeOutcome::Counted(BTreeMap::from([("x".into(), a), ("y".into(), 10_000 - a)]))
            })
            .drive()
            .outcome
    };
    assert_eq!(split(5_037), Outcome::Passed);
    assert_eq!(split(4_800), Outcome::Passed);
    assert_eq!(split(4_799), Outcome::Failed);
    assert_eq!(split(10_000), Outcome::Failed);
}

#[test]
fn one_kept_connection_goes_to_one_pod() {
    let text = step(
        "    then:\n      - { distribution: { from: node/a, url: 'http://web/', requests: 100, p: [1.0, 0.0], connection: keep-alive } }\n",
    );
    let counted = |counts: &'static [(&'static str, u64)]| {
        let counts: BTreeMap<String, u64> =
            counts.iter().map(|(key, n)| ((*key).into(), *n)).collect();
        Shell::new(&text)
            .probe(move |_, _, _| ProbeOutcome::Counted(counts.clone()))
            .drive()
            .outcome
    };
    assert_eq!(counted(&[("HostA", 100)]), Outcome::Passed);
    assert_eq!(counted(&[("HostA", 99), ("HostB", 1)]), Outcome::Failed);
}

#[test]
fn a_packet_that_should_never_be_seen_is_told_with_its_place() {
    let text = step(concat!(
        "    then:\n",
        "      - never: 30s\n        flow: { iface: 'node/*:eth0', match: { ip: { dst: 10.96.0.9 } } }\n",
        "        else: { ja: 書き換え, en: rewriting }\n",
    ));
    assert_eq!(
        Shell::new(&text)
            .packet(5_000, "10.244.1.4")
            .drive()
            .outcome,
        Outcome::Passed
    );
    let report = Shell::new(&text)
        .packet(5_000, "10.244.1.4")
        .packet(6_000, "10.96.0.9")
        .drive();
    assert_eq!(
        seen(&report),
        "1 packets, the first at t=6.000000s on node/node-a:eth0: 10.244.0.5 → 10.96.0.9"
    );
    let Status::Failed(failure) = only(&report) else {
        unreachable!()
    };
    assert_eq!(failure.advice[0].en, "rewriting");
}

#[test]
fn the_first_cause_that_holds_is_told() {
    let text = step(concat!(
        "    then:\n",
        "      - eventually: 2s\n        http: { from: pod/app=probe, url: 'http://front/', status: 200 }\n",
        "        diagnose:\n",
        "          - { if: { resource: { ref: service/front, match: { spec: { type: NodePort } } } }, say: first }\n",
        "          - { if: { endpoints: { service: front, ready: 0 } }, say: second }\n",
        "          - { if: { endpoints: { service: front, ready: 0 } }, say: third }\n",
    ));
    let report = Shell::new(&text)
        .probe(|_, _, _| ProbeOutcome::Failed(Failed::Refused, "RST".into()))
        .drive();
    let Status::Failed(failure) = only(&report) else {
        panic!()
    };
    assert_eq!(
        failure
            .advice
            .iter()
            .map(|text| text.en.as_str())
            .collect::<Vec<_>>(),
        ["second"]
    );
    assert_eq!(failure.seen.ja, "接続拒否 (RST)");
}

/// The actions and the advice of a lesson whose only expectation fails, refused everywhere.
fn explained(expectation: &str) -> (Vec<String>, Vec<String>) {
    let text = step(&format!("    then:\n      - {expectation}\n"));
    let mut shell = Shell::new(&text)
        .explain("宛先が違う", "the target is wrong")
        .probe(|_, _, _| ProbeOutcome::Failed(Failed::Refused, "RST".into()));
    let report = shell.drive();
    let asked = shell.log.iter().filter(|line| line.starts_with("explain"));
    let Status::Failed(failure) = only(&report) else {
        panic!()
    };
    (
        asked.cloned().collect(),
        failure.advice.iter().map(|text| text.en.clone()).collect(),
    )
}

#[test]
fn what_is_not_reached_is_explained_when_the_lesson_knows_no_cause() {
    for (expectation, asked) in [
        (
            "http: { from: pod/app=probe, url: 'http://front:8080/x', status: 200 }",
            "explain from pod/app=probe to front:8080 in default",
        ),
        (
            "http: { from: 'node/@(each)', for_each: [node-a], url: 'https://front', status: 200 }",
            "explain from node/node-a to front:443 in default",
        ),
        (
            "tcp: { from: workstation, to: '10.0.0.1:80', is: open }",
            "explain from workstation to 10.0.0.1:80 in default",
        ),
        (
            "endpoints: { service: web, namespace: shop, ready: 1 }",
            "explain to svc/web in shop",
        ),
    ] {
        let (explains, advice) = explained(&format!("{{ eventually: 1s, {expectation} }}"));
        assert_eq!(explains, [asked]);
        assert_eq!(advice, ["why: the target is wrong"]);
    }
}

#[test]
fn what_must_not_be_reached_needs_no_explanation() {
    let never = "{ never: 1s, tcp: { from: workstation, to: '10.0.0.1:80', is: refused } }";
    assert_eq!(explained(never).0, [""; 0]);
}

#[test]
fn endpoints_are_compared_with_the_ready_pods() {
    let slice = |ips: &[&str]| {
        let endpoints: Vec<Value> = ips
            .iter()
            .map(|ip| json!({"addresses": [ip], "conditions": {"ready": true}}))
            .collect();
        json!({"kind": "EndpointSlice", "metadata": {"name": "web-1"}, "endpoints": endpoints, "ports": [{"port": 80}]})
    };
    let slices = "endpointslices.discovery.k8s.io";
    let text = step(concat!(
        "    then:\n",
        "      - { title: same, eventually: 5s, endpoints: { service: web, ready: 2, port: 80, equals_pod_ips_of: app=web } }\n",
    ));
    let pods = || {
        vec![
            pod("a", "Running", "10.0.0.1"),
            pod("b", "Running", "10.0.0.2"),
        ]
    };
    let good = Shell::new(&text)
        .at(0, "pods", pods())
        .at(1, slices, vec![slice(&["10.0.0.2", "10.0.0.1"])])
        .drive();
    assert_eq!(good.outcome, Outcome::Passed);
    let bad = Shell::new(&text)
        .at(0, "pods", pods())
        .at(1, slices, vec![slice(&["10.0.0.3", "10.0.0.1"])])
        .drive();
    assert_eq!(
        seen(&bad),
        "the endpoints of Service web are 10.0.0.1, 10.0.0.3, the IPs of the ready Pods 10.0.0.1, 10.0.0.2"
    );
}

#[test]
fn the_same_spec_is_the_same_but_for_what_the_server_allocates() {
    let text = step("    then:\n      - { eventually: 1s, resource: { ref: service/web, same_spec_as: svc.yaml } }\n").replace(
        "steps:",
        "environment: { files: [ { path: svc.yaml, from: files/svc.yaml } ] }\nsteps:",
    );
    let service = |port: u32| json!({"kind": "Service", "metadata": {"name": "web"}, "spec": {"clusterIP": "10.96.0.9", "ports": [{"port": port}]}});
    let mut shell = Shell::new(&text).at(1, "service", vec![service(80)]);
    assert_eq!(shell.drive().outcome, Outcome::Passed);
    assert!(
        shell.log.iter().any(|line| line.contains("web-same-spec")),
        "the name is taken: {:?}",
        shell.log
    );
    let report = Shell::new(&text)
        .at(1, "service", vec![service(81)])
        .drive();
    assert_eq!(
        seen(&report),
        "spec.ports[0].port differs: 81 in service/web, 80 in svc.yaml"
    );
}

#[test]
fn all_any_and_not_compose() {
    let of = |subject: &str| {
        let text = step(&format!(
            "    then:\n      - {{ eventually: 4s, {subject} }}\n"
        ));
        Shell::new(&text)
            .at(1_000, "pod", vec![pod("a", "Running", "10.0.0.1")])
            .probe(|now, _, _| {
                if now < Instant::from_secs(2) {
                    ProbeOutcome::Failed(Failed::Refused, String::new())
                } else {
                    ProbeOutcome::Open
                }
            })
            .drive()
            .outcome
    };
    let pod_a = "{ resource: { ref: pod/a } }";
    let pod_b = "{ resource: { ref: pod/b } }";
    let open = "{ tcp: { from: node/a, to: 'web:80', is: open } }";
    assert_eq!(of(&format!("all: [ {pod_a}, {open} ]")), Outcome::Passed);
    assert_eq!(of(&format!("all: [ {pod_a}, {pod_b} ]")), Outcome::Failed);
    assert_eq!(of(&format!("any: [ {pod_b}, {open} ]")), Outcome::Passed);
    assert_eq!(
        of("not: { tcp: { from: node/a, to: 'web:80', is: refused } }"),
        Outcome::Passed
    );
    assert_eq!(
        of("not: { resource: { ref: pod/b } }"),
        Outcome::Failed,
        "what is not there cannot be judged"
    );
    assert_eq!(
        of("resource: { ref: pod/b, absent: true }"),
        Outcome::Passed
    );
}

#[test]
fn commands_capture_and_later_commands_use_it() {
    let text = step(concat!(
        "    do:\n",
        "      - { id: get, run: get, like: \"NAME  IP\\n@(word as name)  @(ip as addr)\" }\n",
        "      - { in: pod/app=shell, run: \"wget @(addr)\", exit: 1, stderr: { $contains: bad } }\n",
        "    then:\n",
        "      - { output: { of: get, stdout: { $contains: '@(addr)' } } }\n",
        "      - { cel: \"captures.name == 'web'\" }\n",
    ));
    let mut shell = Shell::new(&text)
        .run("get", "NAME   IP\nweb    10.0.0.9\n", "", 0)
        .run("wget 10.0.0.9", "", "wget: bad address", 1);
    let report = shell.drive();
    assert_eq!(
        report.outcome,
        Outcome::Passed,
        "{}",
        report.to_text(lesson::Lang::En, true)
    );
    assert_eq!(
        shell.log,
        ["[workstation] get", "[pod/app=shell] wget 10.0.0.9"]
    );
}

#[test]
fn after_a_command_that_differs_nothing_more_is_tried() {
    let text = step(concat!(
        "    do:\n      - { run: get, like: web }\n      - { run: more }\n",
        "    then: [ { resource: { ref: pod/a } } ]\n",
    ));
    let mut shell = Shell::new(&text).run("get", "wob\n", "", 0);
    let report = shell.drive();
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(shell.log, ["[workstation] get"]);
    let Status::Failed(failure) = &report.steps[0].items[0].status else {
        panic!()
    };
    assert_eq!(failure.seen.en, "line 1 is `wob`, expected `web`");
    assert_eq!(failure.pos.line, 9, "where the sample is written");
    assert_eq!(report.steps[0].items[1].status, Status::NotReached(None));
}

#[test]
fn a_command_must_end_with_zero_unless_told_otherwise() {
    let report = Shell::new(&step("    do: [ { run: curl web } ]\n")).drive();
    let Status::Failed(failure) = &report.steps[0].items[0].status else {
        panic!()
    };
    assert_eq!(
        failure.seen.en,
        "exit is 127, expected 0: sh: curl web: not found"
    );
    let told = Shell::new(&step("    do: [ { run: curl web, exit: 127 } ]\n")).drive();
    assert_eq!(told.outcome, Outcome::Passed);
}

#[test]
fn what_is_broken_is_mended_by_its_name() {
    let text = step(concat!(
        "    do:\n",
        "      - { run: get, like: \"@(word as victim)\" }\n",
        "      - { fault: { id: crash, kind: node-down, target: '@(victim)' } }\n",
        "      - { heal: crash }\n",
    ));
    let mut shell = Shell::new(&text).run("get", "node-b", "", 0);
    assert_eq!(shell.drive().outcome, Outcome::Passed);
    assert_eq!(
        shell.log[1..],
        ["fault crash NodeDown node-b", "heal crash"]
    );
}

const TASK: &str = "
params: { door: { kind: int, range: [8081, 8999], default: 8080 } }
tasks:
  - id: front
    title: front
    text: '@(door)'
    submit: [ { path: answers/front.yaml, schema: kubernetes } ]
    checks:
      - { id: there, title: there, points: 1, eventually: 1s, resource: { ref: service/front } }
      - { id: port, title: 'port @(door)', points: 3, needs: [there], resource: { ref: service/front, match: { spec: { port: '@(door)' } } } }
    solution:
      files: { answers/front.yaml: 'port: @(door)' }
";

#[test]
fn a_task_is_solved_by_its_solution_and_points_are_summed() {
    let text = step(TASK);
    let front = json!({"kind": "Service", "metadata": {"name": "front"}, "spec": {"port": 8085}});
    let options = Options {
        params: BTreeMap::from([("door".into(), "8085".into())]),
        ..Options::default()
    };
    let mut shell = Shell::with(&text, options).at(1, "service", vec![front]);
    let report = shell.drive();
    assert_eq!(
        report.outcome,
        Outcome::Passed,
        "{}",
        report.to_text(lesson::Lang::En, true)
    );
    assert_eq!(report.points(), (4.0, 4.0));
    assert_eq!(report.tasks[0].checks[1].title.en, "port 8085");
    assert_eq!(
        shell.log,
        ["write answers/front.yaml", "apply answers/front.yaml"]
    );
}

#[test]
fn a_check_whose_need_failed_is_not_reached() {
    let report = Shell::new(&step(TASK)).drive();
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(report.points(), (0.0, 4.0));
    let Status::NotReached(Some(why)) = &report.tasks[0].checks[1].status else {
        panic!()
    };
    assert_eq!(why.en, "needs there");
}

#[test]
fn the_limit_of_virtual_time_ends_the_lesson() {
    let text = step("    then: [ { eventually: 5m, resource: { ref: pod/a } }, { needs: [], eventually: 10m, resource: { ref: pod/b } } ]\n")
        .replace("steps:", "limits: { virtual: 10m }\nsteps:");
    let report = Shell::new(&text).drive();
    assert_eq!(report.outcome, Outcome::Limit);
    assert_eq!(report.outcome.code(), 4);
}

#[test]
fn a_learner_goes_at_their_own_pace() {
    let text = step(concat!(
        "    quiz:\n",
        "      - { id: guess, kind: predict, prompt: '?', choices: [ { id: yes-it-is, text: y, correct: true, why: w }, { id: no-way, text: n, why: w } ] }\n",
        "    do: [ { run: get } ]\n",
        "    then: [ { answer: { quiz: guess } } ]\n",
    ));
    let mut shell = Shell::with(
        &text,
        Options {
            guided: true,
            ..Options::default()
        },
    )
    .run("get", "", "", 0);
    shell.settle();
    assert!(shell.log.is_empty(), "the quiz comes first");
    let answer = Observation::Answer {
        quiz: "guess".into(),
        answer: vec!["no-way".into()],
    };
    shell.engine().handle(Instant::from_secs(1), answer);
    shell.settle();
    assert!(shell.log.is_empty(), "then the learner presses the button");
    shell
        .engine()
        .handle(Instant::from_secs(2), Observation::Next);
    shell.settle();
    assert_eq!(shell.log, ["[workstation] get"]);
    let report = shell.engine().report();
    assert_eq!(report.steps[0].quiz[0].right, Some(false));
    assert_eq!(report.outcome, Outcome::Failed, "the answer is asserted");
}

#[test]
fn the_same_answers_give_the_same_bytes() {
    let run = || Shell::new(&step(TASK)).drive();
    assert_eq!(run().to_json(), run().to_json());
    assert_eq!(
        run().to_junit(lesson::Lang::Ja),
        run().to_junit(lesson::Lang::Ja)
    );
}

#[test]
fn a_lesson_proves_itself_by_its_wrong_answers() {
    let text = step(TASK)
        + "    mutants:\n      - { name: other, files: { answers/front.yaml: 'port: 1' }, fails: [port], score: 1 }\n      - { name: none, files: { answers/front.yaml: '' }, fails: [port], score: 1 }\n";
    let front = |port: u32| json!({"kind": "Service", "metadata": {"name": "front"}, "spec": {"port": port}});
    let run = |attempt: &Attempt, objects: Vec<Value>| {
        let options = Options {
            attempt: attempt.clone(),
            ..Options::default()
        };
        let report = Shell::with(&text, options)
            .at(1, "service", objects)
            .drive();
        report
            .contradictions(&crate::shell::lab(&text), attempt)
            .into_iter()
            .map(|text| text.en)
            .collect::<Vec<_>>()
    };
    let attempts = Attempt::all(&crate::shell::lab(&text));
    let [solution, nothing, other, none] = &attempts[..] else {
        panic!("{attempts:?}")
    };
    let good: [&str; 0] = [];
    assert_eq!(run(solution, vec![front(8080)]), good);
    assert_eq!(
        run(solution, vec![front(1)]),
        ["the solution does not pass"]
    );
    assert_eq!(run(nothing, vec![]), good);
    assert_eq!(
        run(nothing, vec![front(8080)]),
        ["the task front passes without an answer"]
    );
    assert_eq!(run(other, vec![front(1)]), good);
    assert_eq!(
        run(none, vec![]),
        [
            "none: port, there failed, port should",
            "none: 0 points, should be 1"
        ]
    );
}

#[test]
fn packets_forgotten_unseen_prove_nothing() {
    let text =
        step("    then:\n      - { never: 30s, flow: { match: { ip: { dst: 10.96.0.9 } } } }\n");
    assert_eq!(
        Shell::new(&text).drive().outcome,
        Outcome::Passed,
        "a silent wire"
    );
    let report = Shell::new(&text).forgotten(5_000, 3).drive();
    assert_eq!(
        seen(&report),
        "3 packets were forgotten before they could be looked at"
    );
}
