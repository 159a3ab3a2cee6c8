//! What of a lesson is left out on a cluster that is not the lab's own. Never has such a cluster.

use crate::shell::{Shell, lab, step};
use lesson::{Options, Outcome, Status, left_out_elsewhere};
use serde_json::json;

/// The reasons for what is left out, in the order of the lesson.
fn reasons(text: &str) -> Vec<String> {
    let left_out = left_out_elsewhere(&lab(text)).expect("some of it makes sense");
    left_out.into_values().map(|why| why.en).collect()
}

#[test]
fn commands_of_kubectl_stay_and_commands_to_machines_of_the_lab_go() {
    let text = step(concat!(
        "    do:\n",
        "      - run: kubectl get pods\n",
        "      - run: kubectl get svc | grep web\n",
        "      - run: minikube ip\n",
        "      - run: echo $(ssh node-a hostname)\n",
        "      - run: curl http://10.96.0.1/\n",
        "      - run: kubectl exec web -- sh -c 'ls; wget -qO- web'\n",
        "      - { run: wget -qO- web, in: pod/app=shell }\n",
        "      - { run: wget -qO- web, in: node/node-a }\n",
        "      - { run: kubectl exec -it web -- sh, interactive: true }\n",
    ));
    assert_eq!(
        reasons(&text),
        [
            "minikube speaks to machines of the lab",
            "ssh speaks to machines of the lab",
            "what curl reaches depends on where the lab's workstation stands",
            "it runs on node/node-a, a machine of the lab",
            "it needs a terminal of the lab",
        ]
    );
}

#[test]
fn what_happens_during_a_fault_goes_with_it_and_returns_with_its_end() {
    let text = step(concat!(
        "    do:\n",
        "      - run: kubectl get nodes\n",
        "      - fault: { id: crash, kind: node-down, target: node-a }\n",
        "      - run: kubectl get pods\n",
        "      - heal: crash\n",
        "      - run: kubectl get svc\n",
    ));
    assert_eq!(
        reasons(&text),
        [
            "the fault node-down is the lab's own",
            "it happens during the fault crash, which was left out",
            "there is no fault to mend",
        ]
    );
}

#[test]
fn captures_of_a_command_that_is_not_run_take_along_whoever_uses_them() {
    let text = step(concat!(
        "    do:\n",
        "      - { id: ip, run: minikube ip, like: \"@(ip as addr)\" }\n",
        "      - run: kubectl annotate node node-1 seen=@(addr)\n",
        "      - run: kubectl get nodes\n",
        "    then:\n",
        "      - { title: a, output: { of: ip, stdout: { $contains: '.' } } }\n",
        "      - { title: b, resource: { ref: node, match: { spec: { podCIDR: \"@(addr)\" } } } }\n",
    ));
    assert_eq!(
        reasons(&text),
        [
            "minikube speaks to machines of the lab",
            "it uses addr, which something left out would have found",
            "the command ip was not run",
            "it uses addr, which something left out would have found",
        ]
    );
}

#[test]
fn checks_that_look_inside_the_lab_or_at_every_instant_go() {
    let text = step(concat!(
        "    then:\n",
        "      - { title: a, tcp: { from: pod/a, to: 'web:80', is: open } }\n",
        "      - { title: b, never: 3s, flow: { match: { ip: { dst: 10.0.0.1 } } } }\n",
        "      - { title: c, always: 3s, resource: { ref: pod/a } }\n",
        "      - { title: d, http: { from: workstation, url: 'http://web/' , status: 200 } }\n",
        "      - { title: e, http: { from: pod/a, url: 'http://web/', status: 200 } }\n",
        "      - { title: f, dns: { from: deploy/a, name: web, rcode: NOERROR } }\n",
        "      - { title: g, resource: { ref: pod/a } }\n",
    ));
    assert_eq!(
        reasons(&text),
        [
            "tcp looks inside the lab",
            "only inside the lab is every instant seen",
            "only inside the lab is every instant seen",
            "workstation is a machine of the lab",
        ]
    );
}

#[test]
fn a_lesson_about_docker_hosts_makes_no_sense_elsewhere() {
    let text = step("").replace("steps:", "environment: { platform: docker-hosts }\nsteps:");
    let why = left_out_elsewhere(&lab(&text)).expect_err("nothing is left");
    assert_eq!(why.en, "this lesson is about Docker hosts of the lab");
}

#[test]
fn what_is_left_out_is_named_and_counts_for_nothing() {
    let text = step(concat!(
        "    do:\n",
        "      - run: minikube ip\n",
        "      - run: kubectl get pods\n",
        "    then:\n",
        "      - { title: open, tcp: { from: pod/a, to: 'web:80', is: open } }\n",
        "      - { title: there, resource: { ref: pod/a } }\n",
    ));
    let options = Options {
        left_out: left_out_elsewhere(&lab(&text)).expect("some of it makes sense"),
        ..Options::default()
    };
    let mut shell = Shell::with(&text, options)
        .run("kubectl get pods", "", "", 0)
        .at(0, "pod", vec![json!({"metadata": {"name": "a"}})]);
    let report = shell.drive();
    assert_eq!(report.outcome, Outcome::Passed, "{report:#?}");
    let step = &report.steps[0];
    assert!(matches!(&step.items[0].status, Status::NotReached(Some(_))));
    assert!(step.items[1].status.is_passed());
    assert!(matches!(&step.then[0].status, Status::NotReached(Some(_))));
    assert!(step.then[1].status.is_passed());
    assert!(!shell.log.iter().any(|line| line.contains("minikube")));
}
