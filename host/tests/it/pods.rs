//! What a Pod is promised, seen by the programs in it: volumes that follow their objects or
//! outlive their Pods, bounds, a root that nobody writes to, last words.

use crate::lab::folder;
use crate::sh::sh;

/// Runs a script on the workstation of a fresh lab, in virtual time, with this manifest beside it.
fn story(name: &str, manifest: &str, script: &str) -> String {
    let folder = folder(name);
    std::fs::write(folder.join("m.yaml"), manifest).expect("writable");
    let ran = sh(&["--files", folder.to_str().expect("plain")], script);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.stdout
}

const SETTINGS: &str = "
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { colour: red }
---
apiVersion: v1
kind: Pod
metadata: { name: reader }
spec:
  containers:
  - name: c
    image: busybox
    command: [sleep, '100000']
    env: [{ name: COLOUR, valueFrom: { configMapKeyRef: { name: settings, key: colour } } }]
    volumeMounts:
    - { name: v, mountPath: /settings }
    - { name: v, mountPath: /one, subPath: colour }
  volumes: [{ name: v, configMap: { name: settings } }]
";

#[test]
fn a_mounted_configmap_follows_its_object_and_environment_and_subpath_do_not() {
    let said = story(
        "pods-configmap",
        SETTINGS,
        r#"
        kubectl apply -f m.yaml > /dev/null
        kubectl wait --for=condition=Ready pod/reader > /dev/null
        show() { kubectl exec reader -- sh -c 'echo $(ls /settings) $(cat /settings/colour /one) $COLOUR'; }
        show
        kubectl create configmap settings --from-literal=colour=blue --from-literal=size=big -o yaml --dry-run=client | kubectl replace -f - > /dev/null
        show
        sleep 120
        show
        kubectl patch configmap settings --type=json -p '[{"op":"remove","path":"/data/size"}]' > /dev/null
        sleep 120
        show
        "#,
    );
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        [
            "colour redred red",
            "colour redred red",
            "colour size bluered red",
            "colour bluered red"
        ]
    );
}

const KEEPER: &str = "
apiVersion: v1
kind: Service
metadata: { name: keeper }
spec: { clusterIP: None, selector: { app: keeper } }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: keeper }
spec:
  serviceName: keeper
  replicas: 2
  selector: { matchLabels: { app: keeper } }
  template:
    metadata: { labels: { app: keeper } }
    spec:
      containers:
      - name: c
        image: busybox
        command: [sh, -c, 'echo $HOSTNAME >> /data/who; exec sleep 100000']
        volumeMounts: [{ name: data, mountPath: /data }]
      terminationGracePeriodSeconds: 0
  volumeClaimTemplates:
  - metadata: { name: data }
    spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
";

#[test]
fn a_statefulsets_pod_finds_its_own_files_again() {
    let said = story(
        "pods-claims",
        KEEPER,
        r#"
        kubectl apply -f m.yaml > /dev/null
        kubectl rollout status statefulset/keeper > /dev/null
        kubectl get pvc -o custom-columns=NAME:.metadata.name,STATUS:.status.phase --no-headers
        kubectl delete pod keeper-1 > /dev/null
        kubectl rollout status statefulset/keeper > /dev/null
        sleep 5
        kubectl exec keeper-0 -- cat /data/who
        kubectl exec keeper-1 -- cat /data/who
        "#,
    );
    let lines: Vec<String> = said
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        lines,
        [
            "data-keeper-0 Bound",
            "data-keeper-1 Bound",
            "keeper-0",
            "keeper-1",
            "keeper-1"
        ]
    );
}

const BOUNDED: &str = "
apiVersion: v1
kind: Pod
metadata: { name: hungry }
spec:
  restartPolicy: Never
  containers:
  - name: c
    image: busybox
    command: [sh, -c, 'x=xxxxxxxxxxxxxxxx; while true; do x=$x$x; done']
    resources: { limits: { memory: 32Mi } }
---
apiVersion: v1
kind: Pod
metadata: { name: slow }
spec:
  restartPolicy: Never
  containers:
  - name: c
    image: busybox
    command: [sh, -c, 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done']
    resources: { limits: { cpu: 50m } }
---
apiVersion: v1
kind: Pod
metadata: { name: quick }
spec:
  restartPolicy: Never
  containers:
  - name: c
    image: busybox
    command: [sh, -c, 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done']
";

#[test]
fn a_limit_of_memory_kills_and_a_limit_of_cpu_slows() {
    let said = story(
        "pods-bounded",
        BOUNDED,
        r#"
        kubectl apply -f m.yaml > /dev/null
        kubectl wait --for=jsonpath='{.status.phase}'=Succeeded pod/quick pod/slow --timeout=600s > /dev/null
        t='{.status.containerStatuses[0].state.terminated'
        kubectl get pod hungry -o jsonpath="$t.reason} $t.exitCode}"; echo
        for pod in quick slow; do
          begin=$(kubectl get pod $pod -o jsonpath="$t.startedAt}")
          end=$(kubectl get pod $pod -o jsonpath="$t.finishedAt}")
          echo $pod $(( $(date -d "$end" +%s) - $(date -d "$begin" +%s) ))
        done
        "#,
    );
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "OOMKilled 137", "{said}");
    let seconds = |line: &str| -> u64 {
        let (_, seconds) = line.split_once(' ').expect("two words");
        seconds.parse().expect("a number")
    };
    // A twentieth of a processor, told in whole seconds.
    let (quick, slow) = (seconds(lines[1]), seconds(lines[2]));
    assert!((quick * 10..=(quick + 1) * 25).contains(&slow), "{said}");
}

const LAST_WORDS: &str = "
apiVersion: v1
kind: Pod
metadata: { name: words }
spec:
  restartPolicy: Never
  containers:
  - name: file
    image: busybox
    command: [sh, -c, 'echo -n from the file > /dev/termination-log; exit 3']
  - name: log
    image: busybox
    command: [sh, -c, 'echo from the log; exit 4']
    terminationMessagePolicy: FallbackToLogsOnError
  - name: closed
    image: busybox
    command: [sh, -c, 'echo x > /x; echo y > /open/y && echo -n $? > /dev/termination-log; exit 5']
    securityContext: { readOnlyRootFilesystem: true }
    volumeMounts: [{ name: open, mountPath: /open }]
  volumes: [{ name: open, emptyDir: {} }]
";

#[test]
fn last_words_are_kept_and_a_read_only_root_takes_nothing() {
    let said = story(
        "pods-words",
        LAST_WORDS,
        r#"
        kubectl apply -f m.yaml > /dev/null
        kubectl wait --for=jsonpath='{.status.phase}'=Failed pod/words > /dev/null
        kubectl get pod words -o jsonpath='{range .status.containerStatuses[*]}{.name} {.state.terminated.exitCode} {.state.terminated.message}{"\n"}{end}'
        kubectl logs words -c closed
        "#,
    );
    assert!(said.contains("file 3 from the file"), "{said}");
    assert!(said.contains("log 4 from the log"), "{said}");
    assert!(said.contains("closed 5 0"), "{said}");
    assert!(said.contains("/x: Read-only file system"), "{said}");
}
