//! `lab run --context`: a lesson on a cluster that is reached by a kubeconfig alone, here a second
//! lab. Nothing of it knows that the cluster is one.

use crate::lab::{Ran, folder, lab, root};
use crate::up::Up;
use std::path::Path;

/// A lesson of everything that can be asked of any cluster, and of two things that cannot.
const LESSON: &str = r#"
apiVersion: lab/v1alpha1
kind: Lab
metadata: { id: t, title: t, languages: [ja, en] }
environment:
  platform: plain
  files: [{ path: web.yml, from: web.yml }, { path: shell.yml, from: shell.yml }]
  manifests: [web.yml, shell.yml]
steps:
  - id: s
    title: A step
    text: t
    do:
      - run: kubectl expose deploy/apache --port 80
        like: service/apache exposed
      - run: kubectl get svc apache
        like: |
          NAME    TYPE       CLUSTER-IP    PORT(S)
          apache  ClusterIP  @(ip as vip)  80/TCP
      - run: ssh node-1 hostname
      - { run: "wget -qO- apache", in: pod/app=shell, like: "...\n<html>@(rest)</html>\n..." }
    then:
      - { title: objects, resource: { ref: service/apache, match: { spec: { clusterIP: "@(vip)" } } } }
      - { title: endpoints, endpoints: { service: apache, ready: 1, equals_pod_ips_of: app=apache } }
      - { title: http, http: { from: pod/app=shell, url: "http://@(vip)/", status: 200 } }
      - { title: names, dns: { from: pod/app=shell, name: apache, answers: ["@(vip)"] } }
      - { title: packets, flow: { match: { ip: { dst: "@(vip)" } } } }
"#;

fn lesson(name: &str) -> std::path::PathBuf {
    let folder = folder(name);
    let file = folder.join("lesson.yaml");
    std::fs::write(&file, LESSON).expect("writable");
    for beside in ["web.yml", "shell.yml"] {
        let from = root().join("labs/files").join(beside);
        std::fs::copy(from, folder.join(beside)).expect("both are there");
    }
    file
}

fn run(file: &Path, kubeconfig: &Path) -> Ran {
    // Without a kubectl on the path, the lab's own takes its place.
    lab()
        .arg("run")
        .arg(file)
        .args(["--context", "lab", "--kubeconfig"])
        .arg(kubeconfig)
        .env("PATH", "/usr/bin:/bin")
        .output()
        .expect("lab starts")
        .into()
}

#[test]
fn a_lesson_holds_on_another_cluster_names_what_it_left_out_and_leaves_nothing_behind() {
    let up = Up::start("elsewhere");
    let before = std::fs::read(&up.kubeconfig).expect("written");
    let file = lesson("elsewhere-lesson");
    let ran = run(&file, &up.kubeconfig);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    for line in [
        "ssh speaks to machines of the lab",
        "flow looks inside the lab",
        "everything held (real time",
    ] {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }
    let left = up.kubectl(&["get", "deploy,pods,svc", "-o", "name"]);
    assert_eq!(left, "service/kubernetes\n");
    let after = std::fs::read(&up.kubeconfig).expect("still there");
    assert!(before == after, "the kubeconfig is the user's");

    // What somebody else has there is not a lesson's to live beside, or to take away.
    up.kubectl(&["create", "configmap", "mine"]);
    let ran = run(&file, &up.kubeconfig);
    assert_eq!(ran.code, Some(3), "{}", ran.stdout);
    assert!(ran.stderr.contains("configmap/mine"), "{}", ran.stderr);
    up.kubectl(&["get", "configmap", "mine"]);
}
