//! Breaking and mending: `lab fault` beside a `lab up`, and faults of lessons.

use crate::lab::{Ran, folder, lab, run};
use crate::up::Up;

fn fault(up: &Up, args: &[&str]) -> Ran {
    let mut command = lab();
    command.arg("fault").args(args);
    command.arg("--kubeconfig").arg(&up.kubeconfig);
    command.output().expect("lab starts").into()
}

#[test]
fn faults_are_made_listed_and_healed_in_a_running_cluster() {
    let up = Up::start("up-faults");
    assert_eq!(fault(&up, &[]).stdout, "nothing is broken\n");
    let made = fault(&up, &["link-loss", "node-2", "30%", "--way", "in"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let made = fault(&up, &["dns-down", "--name", "silence"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let dns = up.kubectl(&["get", "deploy", "coredns", "-n", "kube-system"]);
    assert!(dns.contains("0/0"), "{dns}");
    let listed = fault(&up, &[]).stdout;
    assert_eq!(
        listed,
        "link-loss-node-2  the link of node-2: 30 % lost, on the way in\nsilence           cluster DNS is scaled to nothing\n"
    );
    let healed = fault(&up, &["heal", "all"]);
    assert_eq!(healed.stdout, "healed link-loss-node-2, silence\n");
    assert_eq!(fault(&up, &[]).stdout, "nothing is broken\n");
}

#[test]
fn what_cannot_be_broken_is_refused_with_what_could_be() {
    let up = Up::start("up-faults-refused");
    for (args, wanted) in [
        (
            &["link-los", "node-1"][..],
            "there is no fault \"link-los\"; there are node-down, ",
        ),
        (
            &["link-loss", "node-1"],
            "after the target of link-loss comes a percentage",
        ),
        (&["link-loss", "node-1", "200%"], "a percentage"),
        (&["link-down", "moon"], "no machine moon; there are "),
        (
            &["node-down", "node-1", "--way", "in"],
            "is not about a link",
        ),
        (&["link-down", "node-1", "--for", "long"], "for how long?"),
        (
            &["pod-kill", "kube-system/nobody"],
            "no pod nobody in the namespace kube-system",
        ),
        (&["heal", "nothing"], "no fault nothing"),
        (&["heal"], "which fault?"),
    ] {
        let ran = fault(&up, args);
        assert_eq!(ran.code, Some(1), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(wanted), "{args:?}: {}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    }
}

#[test]
fn without_a_lab_a_fault_says_so_in_a_line() {
    let nowhere = folder("faults-nowhere").join("kubeconfig");
    let ran = run(&["fault", "--kubeconfig", nowhere.to_str().expect("plain")]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
}

const LESSON: &str = r#"
apiVersion: lab/v1alpha1
kind: Lab
metadata:
  id: slow-link
  title: { ja: "遅いリンク", en: "A slow link" }
  languages: [ja, en]
environment:
  platform: plain
  seed: 3
  nodes: [{ name: node-a }, { name: node-b }]
  files:
    - { path: run-my-nginx.yaml, from: files/run-my-nginx.yaml }
  manifests: [run-my-nginx.yaml]
steps:
  - id: slow
    title: { ja: "遅い、黙る、直る", en: "Slow, mute, whole again" }
    text: { ja: "リンクを遅くし、黙らせ、直します。", en: "A link is made slow, then mute, then whole." }
    do:
      - run: kubectl get node node-b -o jsonpath='{.status.addresses[0].address}'
        like: "@(ip as addr)"
      - fault: { id: slow, kind: link-delay, target: node-b, value: 200ms }
      - run: ping -c 1 @(addr)
        like: |
          PING @(rest)
          64 bytes from @(rest) time=40@(*) ms
          ...
      - heal: slow
      - fault: { id: mute, kind: link-down, target: node-b, way: out, for: 20s }
      - run: ping -c 1 -W 2 @(addr)
        exit: 1
      - clock: { advance: 30s }
      - run: ping -c 1 @(addr)
        exit: 0
"#;

#[test]
fn a_lesson_slows_a_link_cuts_it_one_way_and_sees_it_heal() {
    let folder = crate::lab::lessons("faults-lesson");
    let file = folder.join("slow-link.yaml");
    std::fs::write(&file, LESSON).expect("writable");
    let ran = run(&["run", file.to_str().expect("plain")]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_fault_without_its_amount_is_refused_at_its_line() {
    let folder = crate::lab::lessons("faults-lesson-broken");
    let file = folder.join("slow-link.yaml");
    let broken = LESSON.replace(", value: 200ms", "");
    std::fs::write(&file, broken).expect("writable");
    let ran = run(&["run", file.to_str().expect("plain")]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    let wanted = "the `value` of `link-delay` is a number and a unit: 50ms, 2s";
    assert!(ran.stderr.contains(wanted), "{}", ran.stderr);
}
