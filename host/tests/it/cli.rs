//! kubectl in the lab, in the situations that upstream's conformance tests have for it.

use crate::lab::folder;
use crate::sh::sh;

const CONTROLLER: &str = "
apiVersion: v1
kind: ReplicationController
metadata: { name: primary, labels: { app: store } }
spec:
  replicas: 1
  selector: { app: store }
  template:
    metadata: { labels: { app: store } }
    spec: { containers: [{ name: c, image: nginx, ports: [{ containerPort: 80 }] }] }
";

/// What a script on the workstation of a fresh lab prints, a line each.
fn story(name: &str, script: &str) -> Vec<String> {
    let folder = folder(name);
    std::fs::write(folder.join("rc.yaml"), CONTROLLER).expect("writable");
    let ran = sh(&["--files", folder.to_str().expect("plain")], script);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.stdout
        .lines()
        .map(|line| line.trim().to_owned())
        .collect()
}

#[test]
fn a_replication_controller_is_described_exposed_and_its_pods_annotated() {
    let said = story(
        "cli-controller",
        r#"
        kubectl create -f rc.yaml
        until [ "$(kubectl get rc primary -o jsonpath='{.status.readyReplicas}')" = 1 ]; do sleep 1; done
        kubectl describe rc primary | grep -cE '^(Selector: +app=store|Replicas: +1 current / 1 desired|Pods Status: +1 Running / .*)$'
        kubectl describe pods -l app=store | grep -cE '^Controlled By: +ReplicationController/primary$'
        kubectl expose rc primary --name=rm2 --port=1234 --target-port=80
        kubectl expose service rm2 --name=rm3 --port=2345 --target-port=80
        pod=$(kubectl get pods -l app=store -o name)
        kubectl exec $pod -- curl -s http://rm2:1234 | grep -c '<title>'
        kubectl exec $pod -- curl -s http://rm3:2345 | grep -c '<title>'
        kubectl patch $pod -p '{"metadata":{"annotations":{"x":"y"}}}' > /dev/null
        kubectl get $pod -o jsonpath='{.metadata.annotations.x}'; echo
        "#,
    );
    assert_eq!(
        said,
        [
            "replicationcontroller/primary created",
            "3",
            "1",
            "service/rm2 exposed",
            "service/rm3 exposed",
            "1",
            "1",
            "y",
        ]
    );
}

#[test]
fn a_pod_is_run_without_restarts_and_its_image_replaced() {
    let said = story(
        "cli-run",
        r#"
        kubectl cluster-info | grep -c 'Kubernetes control plane'
        kubectl run httpd --image=nginx --restart=Never
        kubectl get pod httpd -o jsonpath='{.spec.restartPolicy} {.spec.containers[0].image}'; echo
        kubectl wait --for=condition=Ready pod/httpd > /dev/null
        kubectl get pod httpd -o json | sed 's/"image": "nginx"/"image": "nginx:1.27"/' > new.json
        kubectl replace -f new.json
        kubectl get pod httpd -o jsonpath='{.spec.containers[0].image}'; echo
        "#,
    );
    assert_eq!(
        said,
        [
            "1",
            "pod/httpd created",
            "Never nginx",
            "pod/httpd replaced",
            "nginx:1.27"
        ]
    );
}

#[test]
fn a_log_is_cut_by_lines_bytes_and_time() {
    let said = story(
        "cli-logs",
        r#"
        kubectl run lines --image=busybox --restart=Never -- sh -c 'for i in 1 2 3 4 5; do echo line $i; sleep 2; done' > /dev/null
        kubectl wait --for=jsonpath='{.status.phase}'=Succeeded pod/lines > /dev/null
        kubectl logs lines | wc -l
        kubectl logs lines --tail=1
        kubectl logs lines --limit-bytes=1; echo
        kubectl logs lines --tail=1 --timestamps | grep -cE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z line 5$'
        kubectl logs lines --since=1s | wc -l
        kubectl logs lines --since=24h | wc -l
        "#,
    );
    assert_eq!(said, ["5", "line 5", "l", "1", "0", "5"]);
}
