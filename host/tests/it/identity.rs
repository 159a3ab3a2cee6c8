//! Who asks the API server inside the world: a pod by its token, a stranger, the workstation.
//! Never asks from outside.

use crate::lab::{folder, run};
use crate::sh::sh;

/// Types a script at the workstation; what it printed.
#[track_caller]
fn typed(script: &str) -> String {
    let ran = sh(&[], script);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    ran.stdout
}

const POD: &str = "
kubectl run box --image=curlimages/curl --command -- sleep 100000
kubectl wait --for=condition=Ready pod/box >/dev/null
in_pod() { kubectl exec box -- sh -c \"$1\"; }
DIR=/var/run/secrets/kubernetes.io/serviceaccount
API=https://kubernetes.default.svc
ASK='curl -s --cacert '$DIR'/ca.crt -H \"Authorization: Bearer $(cat '$DIR'/token)\" -w \"%{http_code}\\n\" -o /tmp/said'
";

#[test]
fn a_pod_is_forbidden_until_a_role_is_bound_to_its_account() {
    let said = typed(&format!(
        "{POD}
in_pod \"$ASK $API/api/v1/namespaces/default/pods\"
in_pod 'grep message /tmp/said'
kubectl create rolebinding look --clusterrole=view --serviceaccount=default:default
in_pod \"$ASK $API/api/v1/namespaces/default/pods\"
in_pod \"$ASK $API/api/v1/namespaces/default/secrets\"
in_pod \"$ASK $API/api/v1/nodes\"
kubectl delete rolebinding look
in_pod \"$ASK $API/api/v1/namespaces/default/pods\"
"
    ));
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let refusal = r#""message": "pods is forbidden: User \"system:serviceaccount:default:default\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\"","#;
    assert_eq!(
        lines,
        [
            "pod/box created",
            "403",
            refusal,
            "rolebinding.rbac.authorization.k8s.io/look created",
            "200",
            "403",
            "403",
            "rolebinding.rbac.authorization.k8s.io \"look\" deleted from default namespace",
            "403",
        ]
    );
}

#[test]
fn strangers_are_anonymous_and_bad_tokens_nobody() {
    let said = typed(&format!(
        "{POD}
in_pod \"curl -sk $API/api\" | grep -e message -e reason -e code
in_pod \"curl -sk $API/healthz\"; echo
in_pod \"curl -sk -H 'Authorization: Bearer nonsense' $API/api\" | grep -e message -e code
in_pod \"curl -s $API/healthz; echo \\$?\"
in_pod \"curl -s http://kubernetes.default.svc:443/\"
for name in kubernetes kubernetes.default kubernetes.default.svc.cluster.local 10.96.0.1
do in_pod \"curl -s --cacert $DIR/ca.crt https://$name/healthz\"; echo
done
"
    ));
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    assert_eq!(
        lines,
        [
            "pod/box created",
            r#""message": "forbidden: User \"system:anonymous\" cannot get path \"/api\"","#,
            r#""reason": "Forbidden","#,
            r#""code": 403"#,
            "ok",
            r#""message": "Unauthorized","#,
            r#""code": 401"#,
            // The machine's own authorities do not know the cluster's.
            "60",
            "Client sent an HTTP request to an HTTPS server.",
            "ok",
            "ok",
            "ok",
            "ok",
        ]
    );
}

#[test]
fn a_pods_token_dies_with_the_pod() {
    let said = typed(&format!(
        "{POD}
TOKEN=$(kubectl exec box -- cat $DIR/token)
kubectl get configmap kube-root-ca.crt -o jsonpath='{{.data.ca\\.crt}}' > /tmp/ca.crt
kubectl exec box -- cat $DIR/ca.crt | cmp - /tmp/ca.crt && echo same
ask() {{ curl -s --cacert /tmp/ca.crt -H \"Authorization: Bearer $TOKEN\" -o /dev/null -w '%{{http_code}}\\n' https://$(kubectl get endpoints kubernetes -o jsonpath='{{.subsets[0].addresses[0].ip}}' 2>/dev/null):6443/version; }}
ask
kubectl delete pod box --now
ask
"
    ));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[1..3], ["same", "200"], "{said}");
    assert_eq!(lines.last(), Some(&"401"), "{said}");
}

#[test]
fn the_administrator_asks_for_others_and_as_others() {
    let said = typed(
        "kubectl auth whoami -o jsonpath='{.status.userInfo.username}'; echo
kubectl auth can-i delete nodes
kubectl auth can-i list pods --as=jane; echo $?
kubectl create rolebinding jane --clusterrole=edit --user=jane
kubectl auth can-i list pods --as=jane
kubectl auth can-i delete deployments.apps --as=jane
kubectl auth can-i get nodes --as=jane 2>/dev/null
kubectl get nodes --as=jane
kubectl get pods --as=system:serviceaccount:default:default --as-group=system:masters
kubectl create token default | tr . '\\n' | wc -l
",
    );
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "kubernetes-admin",
            "yes",
            "no",
            "1",
            "rolebinding.rbac.authorization.k8s.io/jane created",
            "yes",
            "yes",
            "no",
            "2",
        ]
    );
}

#[test]
fn handshakes_are_the_same_in_every_run() {
    let folder = folder("identity-same");
    let file = |name: &str| folder.join(name).display().to_string();
    let (first, second) = (file("1.pcap"), file("2.pcap"));
    let play = |capture: &str| {
        let ran = run(&["run", "--pcap", capture, "labs/03-service.yaml"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        std::fs::read(capture).expect("written")
    };
    assert!(play(&first) == play(&second));
}
