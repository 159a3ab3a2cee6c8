//! How a run is told. Never judges one.

use crate::shell::{Shell, step};
use lesson::{Lang, Report};
use serde_json::json;

fn report() -> Report {
    let text = step(concat!(
        "    quiz: [ { id: q, kind: predict, prompt: { ja: 番号は?, en: which? }, choices: [ { id: a, text: { ja: 同じ, en: same }, correct: true, why: { ja: 理由, en: because } } ] } ]\n",
        "    do:\n",
        "      - { run: kubectl get svc web, like: \"NAME  CLUSTER-IP\\nweb  @(ip as vip)\" }\n",
        "      - { fault: { id: crash, kind: node-down, target: node-b }, note: { ja: 止めます, en: power off } }\n",
        "    then:\n",
        "      - { id: there, title: { ja: '@(vip) がある', en: '@(vip) is there' }, resource: { ref: service/web } }\n",
        "      - { id: two, title: { ja: 2つ, en: two }, eventually: 5s, needs: [there], endpoints: { service: web, ready: 2 },\n",
        "          else: { ja: ラベルを見てください, en: look at the labels } }\n",
        "  - { id: later, title: { ja: あと, en: later }, text: x, do: [ { run: never } ] }\n",
    ));
    Shell::new(&text)
        .run(
            "kubectl get svc web",
            "NAME   TYPE        CLUSTER-IP\nweb    ClusterIP   10.96.0.9\n",
            "",
            0,
        )
        .at(
            0,
            "service",
            vec![json!({"kind": "Service", "metadata": {"name": "web"}})],
        )
        .drive()
}

#[test]
fn people_read_what_was_asked_seen_since_when_and_where() {
    insta::assert_snapshot!(report().to_text(Lang::En, false), @r#"
        t

        1. s  (t=0.0s)
          ✓ ? which? → same
          ✓ $ kubectl get svc web
          ✓ fault node-down node-b  — power off
          ✓ 10.96.0.9 is there
          ✗ two
              asked: within 5.0s: endpoints of Service web: ready 2
              seen: the ready endpoints of Service web are <none> (since t=0.1s, decided at t=5.1s)
              where: labs/t.yaml:14:9
              hint: look at the labels

        2. later  (not reached)
          · $ never

        ✗ not everything held (virtual time 5.1s)
    "#);
    insta::assert_snapshot!(report().to_text(Lang::Ja, true), @r#"
        t

        1. s  (t=0.0s)
          s
          ✓ ? 番号は? → 同じ
              理由
          ✓ $ kubectl get svc web
              NAME   TYPE        CLUSTER-IP
              web    ClusterIP   10.96.0.9
          ✓ fault node-down node-b  — 止めます
          ✓ 10.96.0.9 がある
          ✗ 2つ
              期待: 5.0s以内に、Service web のendpoints: ready 2
              実際: Service web のreadyなendpointsは <none> (t=0.1sから、t=5.1sに判定)
              場所: labs/t.yaml:14:9
              ヒント: ラベルを見てください

        2. あと  (未実行)
          x
          · $ never

        ✗ 成り立たないことがありました (仮想時間 5.1s)
    "#);
}

#[test]
fn programs_read_sorted_json() {
    insta::assert_snapshot!(report().to_json());
}

#[test]
fn ci_systems_read_junit() {
    insta::assert_snapshot!(report().to_junit(Lang::En), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="t" tests="5" skipped="1" failures="1" errors="0" time="5.100">
            <testsuite name="t.s" tests="4" skipped="0" errors="0" failures="1">
                <testcase name="$ kubectl get svc web" classname="t.s" time="0.100">
                    <system-out>NAME   TYPE        CLUSTER-IP
        web    ClusterIP   10.96.0.9
        </system-out>
                </testcase>
                <testcase name="fault node-down node-b" classname="t.s" time="0.000"/>
                <testcase name="10.96.0.9 is there" classname="t.s" time="0.100"/>
                <testcase name="two" classname="t.s" time="5.100">
                    <failure message="the ready endpoints of Service web are &lt;none&gt;" type="assertion">within 5.0s: endpoints of Service web: ready 2
        the ready endpoints of Service web are &lt;none&gt;
        labs/t.yaml:14:9
        look at the labels</failure>
                </testcase>
            </testsuite>
            <testsuite name="t.later" tests="1" skipped="1" errors="0" failures="0">
                <testcase name="$ never" classname="t.later" time="0.000">
                    <skipped message="not reached"/>
                </testcase>
            </testsuite>
        </testsuites>
    "#);
}
