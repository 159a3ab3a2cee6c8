//! Programs that take all they can get: they are bounded, it is told, and their neighbours go on.

use crate::lab::folder;
use crate::sh::sh;
use crate::up::{Up, http};

/// A Pod that runs this until it ends, and is not started again.
fn pod(name: &str, script: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{ name: {name} }}\nspec:\n  restartPolicy: Never\n  \
         terminationGracePeriodSeconds: 0\n  containers:\n  - name: c\n    image: busybox\n    \
         command:\n    - sh\n    - -c\n    - |\n      {}\n---\n",
        script.replace('\n', "\n      ")
    )
}

const SPIN: &str = "while :; do :; done";
const MEMORY: &str = "x=xxxxxxxxxxxxxxxx; while true; do x=$x$x; done";
const FILES: &str = "cat /dev/zero > /big; echo \"it ended with $?\"; exit 8";
const OUTPUT: &str = "yes a line of a flood | head -n 2000000; exit 9";
const PROCESSES: &str =
    "i=0; while [ $i -lt 1500 ]; do sleep 100000 & i=$((i+1)); done; echo $i; exit 7";

#[test]
fn floods_of_every_kind_are_bounded_told_and_left_behind_by_the_rest() {
    let folder = folder("hostile");
    let all = [
        ("memory", MEMORY),
        ("files", FILES),
        ("output", OUTPUT),
        ("processes", PROCESSES),
    ];
    let pods: String = all.iter().map(|(name, script)| pod(name, script)).collect();
    std::fs::write(folder.join("floods.yaml"), pods).expect("writable");
    let script = "
        kubectl run web --image=nginx --port=80 --expose > /dev/null
        kubectl apply -f floods.yaml > /dev/null
        kubectl wait --for=condition=Ready pod/web > /dev/null
        kubectl wait --for=jsonpath='{.status.phase}'=Failed pod/memory pod/files pod/output pod/processes --timeout=300s > /dev/null
        for pod in memory files output processes; do
          kubectl get pod $pod -o jsonpath='{.metadata.name} {.status.containerStatuses[0].state.terminated.reason} {.status.containerStatuses[0].state.terminated.exitCode}'
          echo
        done
        kubectl logs files
        kubectl logs output | wc -c
        kubectl exec web -- curl -s web | grep -c Welcome
    ";
    let ran = sh(
        &["--files", folder.to_str().expect("plain"), "-c", script],
        "",
    );
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        lines[..4],
        [
            "memory OOMKilled 137",
            "files Error 8",
            "output Error 9",
            "processes Error 7"
        ],
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("cat: write error"), "{}", ran.stdout);
    assert!(ran.stdout.contains("it ended with 1"), "{}", ran.stdout);
    let kept = lines
        .iter()
        .filter_map(|line| line.trim().parse::<u64>().ok());
    let kept: Vec<u64> = kept.collect();
    assert!(kept[0] <= 10 << 20, "a log of {} bytes", kept[0]);
    assert!(kept[1] > 0, "the neighbour answers");
}

#[test]
fn beside_a_program_that_spins_the_api_and_a_node_port_answer() {
    let up = Up::start("hostile-spin");
    let file = up.kubeconfig.with_file_name("spin.yaml");
    std::fs::write(&file, pod("spin", SPIN)).expect("writable");
    let file = file.to_str().expect("plain");
    up.kubectl(&["create", "deployment", "web", "--image=nginx"]);
    up.kubectl(&["expose", "deployment/web", "--port=80", "--type=NodePort"]);
    up.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    up.kubectl(&["apply", "-f", file]);
    up.kubectl(&["wait", "--for=condition=Ready", "pod/spin", "--timeout=60s"]);
    let port = up.kubectl(&[
        "get",
        "svc",
        "web",
        "-o",
        "jsonpath={.spec.ports[0].nodePort}",
    ]);
    let page = http(port.trim().parse().expect("a port"));
    assert!(page.contains("Welcome to nginx!"), "{page}");
    up.kubectl(&["delete", "pod", "spin", "--timeout=60s"]);
}
