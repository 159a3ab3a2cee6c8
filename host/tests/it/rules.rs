//! What a node says of its rules and conversations. Never looks at a name that is a hash but the
//! one that everybody knows.

use crate::sh::sh;

const DEPLOYED: &str = "kubectl create deployment web --image=nginx --replicas=2 >/dev/null\n\
    kubectl expose deployment web --port=80 --type=NodePort >/dev/null\n\
    kubectl run client --image=busybox --labels=role=client -- sleep 3600 >/dev/null\n\
    kubectl wait --for=condition=Available deployment/web --timeout=60s >/dev/null\n\
    kubectl wait --for=condition=Ready pod/client --timeout=60s >/dev/null\n";

#[test]
fn a_node_prints_its_rules_as_iptables_does_and_its_conversations_as_conntrack() {
    let script = format!(
        "{DEPLOYED}\
        ssh node-1 iptables-save | grep -c -e '^\\*' -e '^COMMIT' -e '^# Generated'\n\
        ssh node-1 iptables-save -t nat | grep 'default/kubernetes:https cluster IP' | head -1\n\
        ssh node-1 iptables-save -t nat | grep -c 'DNAT --to-destination .*:80$'\n\
        ssh node-1 iptables -t nat -L KUBE-NODEPORTS -n | head -2\n\
        ssh node-1 iptables -t nat -L NOSUCH -n; echo $?\n\
        ssh node-1 iptables -t raw -S; echo $?\n\
        kubectl exec client -- wget -qO- web | grep -c title\n\
        for n in 1 2; do ssh node-$n conntrack -L -p tcp --dport 80 2>/dev/null; done | grep -c 'src=10.244.*dst=10.*dport=80 .*sport=80 '\n\
        iptables -S; iptables-save; conntrack -L\n"
    );
    let ran = sh(&["--nodes", "2", "-c", &script], "");
    let expected = "6\n\
        -A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment \"default/kubernetes:https cluster IP\" -m tcp --dport 443 -j KUBE-SVC-NPX46M4PTMTKRN6Y\n\
        2\n\
        Chain KUBE-NODEPORTS (1 references)\n\
        target     prot opt source               destination         \n\
        1\n3\n1\n1\n\
        -P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n";
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
    for said in [
        "iptables: No chain/target/match by that name.\n",
        "table 'raw' does not exist\n",
        "conntrack v1.4.8 (conntrack-tools): 0 flow entries have been shown.\n",
    ] {
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
}

#[test]
fn a_network_policy_holds_packets_back_and_stands_among_the_rules_of_its_node() {
    let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: clients}\n\
        spec:\n  podSelector: {matchLabels: {app: web}}\n  ingress:\n  - from:\n    - podSelector: {matchLabels: {role: client}}\n";
    let script = format!(
        "{DEPLOYED}kubectl run stranger --image=busybox -- sleep 3600 >/dev/null\n\
        kubectl wait --for=condition=Ready pod/stranger --timeout=60s >/dev/null\n\
        ask() {{ kubectl exec $1 -- wget -qO- -T 2 web | grep -c title; }}\n\
        ask stranger\n\
        kubectl apply -f - <<'EOF'\n{policy}EOF\n\
        ask stranger; ask client\n\
        ssh node-1 iptables-save -t filter | grep -c 'from role=client in default'\n\
        kubectl delete networkpolicy clients\nask stranger\n"
    );
    let ran = sh(&["-c", &script], "");
    let expected = "1\nnetworkpolicy.networking.k8s.io/clients created\n0\n1\n1\n\
        networkpolicy.networking.k8s.io \"clients\" deleted from default namespace\n1\n";
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
    assert!(!ran.stderr.contains("not in this lab"), "{}", ran.stderr);
}
