//! The samples of the lessons against what a real cluster printed: Kubernetes 1.36.2, kubectl
//! 1.36 (`explain`, `describe pod`, `get -o wide`, `get ep`) and 1.34 (the others); busybox 1.35.

use crate::shell::{Shell, lab_of, step};
use lesson::{ItemKind, Lang, Outcome};

/// The sample of the item `id`, with these values for what earlier items captured.
fn sample(lesson: &str, id: &str, known: &[(&str, &str)]) -> (String, bool) {
    let lab = lab_of(lesson);
    let mut items = lab.steps.iter().flat_map(|step| &step.items);
    let item = items
        .find(|item| item.id.as_deref() == Some(id))
        .expect("the lesson has this item");
    let ItemKind::Run(run) = &item.what else {
        panic!("{id} is no command")
    };
    let like = run.like.as_ref().expect("it has a sample");
    let filled = known.iter().fold(like.text.clone(), |text, (name, value)| {
        text.replace(&format!("@({name})"), value)
    });
    (filled, like.unordered)
}

#[track_caller]
fn fits(lesson: &str, id: &str, known: &[(&str, &str)], printed: &str) {
    let (sample, unordered) = sample(lesson, id, known);
    let text = step(&format!(
        "    do: [ {{ run: x, like: {}, unordered: {unordered} }} ]\n",
        serde_json::json!(sample)
    ));
    let report = Shell::new(&text).run("x", printed, "", 0).drive();
    assert_eq!(
        report.outcome,
        Outcome::Passed,
        "{}",
        report.to_text(Lang::En, false)
    );
}

#[test]
fn lesson_03_fits() {
    let l = "03";
    fits(l, "expose", &[], "service/my-nginx exposed\n");
    fits(
        l,
        "pods-before",
        &[],
        "NAME                        READY   STATUS    RESTARTS   AGE    IP            NODE     NOMINATED NODE   READINESS GATES
my-nginx-56d65fb4bc-2qptz   1/1     Running   0          3m4s   10.244.0.50   node-1   <none>           <none>
my-nginx-56d65fb4bc-cxsbq   1/1     Running   0          3m5s   10.244.0.49   node-1   <none>           <none>
",
    );
    fits(
        l,
        "get-svc",
        &[],
        "NAME       TYPE        CLUSTER-IP       EXTERNAL-IP   PORT(S)   AGE
my-nginx   ClusterIP   10.109.166.161   <none>        80/TCP    0s
",
    );
    fits(
        l,
        "describe",
        &[("clusterIP", "10.109.166.161")],
        "Name:                     my-nginx
Namespace:                default
Labels:                   <none>
Annotations:              <none>
Selector:                 run=my-nginx
Type:                     ClusterIP
IP Family Policy:         SingleStack
IP Families:              IPv4
IP:                       10.109.166.161
IPs:                      10.109.166.161
Port:                     <unset>  80/TCP
TargetPort:               80/TCP
Endpoints:                10.244.0.14:80,10.244.0.13:80
Session Affinity:         None
Internal Traffic Policy:  Cluster
Events:                   <none>
",
    );
    fits(
        l,
        "get-ep",
        &[],
        "NAME             ENDPOINTS                       AGE
my-nginx         10.244.0.49:80,10.244.0.50:80   4m59s
",
    );
    fits(
        l,
        "delete",
        &[],
        "pod \"my-nginx-6bdc7555bc-4ls4d\" deleted from default namespace\n",
    );
    fits(
        l,
        "delete",
        &[],
        "pod \"my-nginx-6bdc7555bc-4ls4d\" deleted\n",
    );
}

#[test]
fn lesson_06_fits() {
    fits(
        "06",
        "describe",
        &[("apache", "apache-58c94dcbc4-gp5tv")],
        "Name:             apache-58c94dcbc4-gp5tv
Namespace:        default
Priority:         0
Service Account:  default
Node:             node-1/192.168.77.2
Labels:           app=apache
Annotations:      <none>
Status:           Running
IP:               10.244.0.32
IPs:
  IP:           10.244.0.32
Controlled By:  ReplicaSet/apache-58c94dcbc4
Containers:
  apache:
    Image:          httpd
",
    );
    fits(
        "06",
        "wget-ip",
        &[],
        "<html><body><h1>It works!</h1></body></html>\n",
    );
}

#[test]
fn lesson_07_fits() {
    fits("07", "loop", &[], "   5037 HostA\n   4963 HostB\n");
}
