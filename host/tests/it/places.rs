//! Platforms as a learner meets them: lessons of their own, and what `docker`, `minikube` and
//! `ssh` print there.

use crate::lab::{Ran, folder, root, run};
use crate::sh::sh;

#[test]
fn a_lesson_on_every_platform_holds() {
    for name in [
        "docker-hosts",
        "docker-desktop",
        "gke",
        "minikube-docker",
        "minikube-hyperkit",
    ] {
        let file = root().join(format!("host/tests/lessons/{name}.yaml"));
        let ran = run(&["run", file.to_str().expect("a plain path")]);
        assert_eq!(ran.code, Some(0), "{name}: {}{}", ran.stdout, ran.stderr);
    }
}

/// Runs a script on a platform with a deployed Service of type NodePort at hand.
fn on(platform: &str, more: &[&str], script: &str) -> Ran {
    let files = folder(&format!("places-{platform}-{}", script.len()));
    let manifest = root().join("host/tests/lessons/web-np.yml");
    std::fs::copy(manifest, files.join("web-np.yml")).expect("writable");
    let files = files.display().to_string();
    let mut args = vec!["--platform", platform, "--files", &files];
    args.extend(more);
    sh(&args, script)
}

#[test]
fn containers_are_run_found_published_and_removed_as_docker_does() {
    let script = "\
docker run -d --name web -p 8080:80 nginx >/dev/null
docker run -d --name web2 -p 8080:80 nginx; echo $?
docker ps --format '{{.Names}} {{.Image}} {{.Ports}}'
curl -s localhost:8080 | grep title
docker inspect -f '{{.NetworkSettings.IPAddress}}' web
docker run --rm busybox sh -c 'echo out; echo err >&2; exit 3'; echo $?
docker run busybox nosuch; echo $?
echo typed | docker run -i --rm busybox cat
docker exec web hostname | wc -c
docker stop web; docker start web; sleep 1; curl -s -o /dev/null -w '%{http_code}\\n' localhost:8080
docker rm web; docker rm -f web; curl -s localhost:8080; echo $?
docker network create shop >/dev/null
docker run -d --name db --network shop nginx >/dev/null
docker run --rm --network shop busybox wget -qO- db | grep title
";
    let ran = on("docker-hosts", &["--on", "host/host-a"], script);
    let expected = "\
125
web nginx 0.0.0.0:8080->80/tcp
<title>Welcome to nginx!</title>
172.17.0.2
out
3
127
typed
13
web
web
200
web
7
<title>Welcome to nginx!</title>
";
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
    for words in [
        "Unable to find image 'nginx:latest' locally",
        ": Bind for 0.0.0.0:8080 failed: port is already allocated.",
        "exec: \"nosuch\": executable file not found in $PATH: unknown.",
        "container is running: stop the container before removing or force remove",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
}

#[test]
fn a_published_udp_port_answers_on_the_machine_and_on_the_laptop_around_it() {
    let script = "\
docker run -d --name ear -p 5300:53/udp busybox nc -u -l -p 53 >/dev/null; sleep 1
echo here | nc -u -w 1 127.0.0.1 5300; docker logs ear
kubectl config use-context docker-desktop >/dev/null
kubectl -n kube-system expose deploy coredns --name out --type NodePort --port 53 --protocol UDP >/dev/null; sleep 2
port=$(kubectl -n kube-system get svc out -o jsonpath={.spec.ports[0].nodePort})
dig +short @127.0.0.1 -p $port kubernetes.default.svc.cluster.local
";
    let ran = on("docker-desktop", &[], script);
    assert_eq!(ran.stdout, "here\n10.96.0.1\n", "{}", ran.stderr);
}

#[test]
fn a_machine_without_an_engine_says_so_in_dockers_words() {
    let ran = sh(&[], "docker ps\n");
    let words = "Cannot connect to the Docker daemon at tcp://127.0.0.1:2375. Is the docker daemon running?\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), words));
}

#[test]
fn minikube_service_opens_a_tunnel_that_ctrl_c_closes() {
    let script = "\
kubectl apply -f web-np.yml >/dev/null; kubectl rollout status deploy/apache >/dev/null
export LANG=ja_JP.UTF-8
minikube service web-np > said & pid=$!
sleep 2
url=$(grep -o 'http://127[^ ]*' said); sed 's/127.0.0.1:[0-9]*/127.0.0.1:PORT/; s/PORT *|/PORT |/' said
curl -s $url
kill -INT $pid; wait $pid; tail -1 said
curl -s $url; echo $?
";
    let ran = on("minikube-docker", &[], script);
    let expected = "\
|-----------|--------|-------------|---------------------------|
| NAMESPACE |  NAME  | TARGET PORT |            URL            |
|-----------|--------|-------------|---------------------------|
| default   | web-np |          80 | http://192.168.49.2:31848 |
|-----------|--------|-------------|---------------------------|
🏃  web-np サービス用のトンネルを起動しています。
|-----------|--------|-------------|------------------------|
| NAMESPACE |  NAME  | TARGET PORT |          URL           |
|-----------|--------|-------------|------------------------|
| default   | web-np |             | http://127.0.0.1:PORT |
|-----------|--------|-------------|------------------------|
🎉  デフォルトブラウザーで default/web-np サービスを開いています...
❗  Docker ドライバーを darwin 上で使用しているため、実行するにはターミナルを開く必要があります。
<html><body><h1>It works!</h1></body></html>
✋  web-np サービス用のトンネルを停止しています。
7
";
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
}

#[test]
fn minikube_tunnel_gives_load_balancers_an_address_here_until_ctrl_c() {
    let script = "\
kubectl apply -f web-np.yml >/dev/null; kubectl rollout status deploy/apache >/dev/null
kubectl expose deploy apache --name lb --type LoadBalancer --port 8080 --target-port 80
kubectl get svc lb -o jsonpath='{.status.loadBalancer}'; echo
minikube tunnel > said & pid=$!
sleep 3
kubectl get svc lb -o jsonpath='{.status.loadBalancer.ingress[0].ip}'; echo
curl -s http://127.0.0.1:8080
kubectl expose deploy apache --name late --type LoadBalancer --port 80 >/dev/null
sleep 3
curl -s http://127.0.0.1
kubectl delete svc late >/dev/null
sleep 3
curl -s http://127.0.0.1; echo $?
kill -INT $pid; wait $pid; echo $?
kubectl get svc lb -o jsonpath='{.status.loadBalancer}'; echo
curl -s http://127.0.0.1:8080; echo $?
cat said
";
    let ran = on("minikube-docker", &[], script);
    let expected = "\
service/lb exposed
{}
127.0.0.1
<html><body><h1>It works!</h1></body></html>
<html><body><h1>It works!</h1></body></html>
7
0
{}
7
✅  Tunnel successfully started

📌  NOTE: Please do not close this terminal as this process must stay alive for the tunnel to be accessible ...

🏃  Starting tunnel for service lb.
❗  The service/ingress late requires privileged ports to be exposed: [80]
🔑  sudo permission will be asked for it.
🏃  Starting tunnel for service late.
✋  Stopping tunnel for service late.
✋  Stopping tunnel for service lb.
";
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
    let other = on("minikube-hyperkit", &[], "minikube tunnel; echo $?\n");
    assert_eq!(other.stdout, "1\n");
    assert!(
        other.stderr.contains("not in this lab: tunnel"),
        "{}",
        other.stderr
    );
}

#[test]
fn contexts_are_the_platforms_and_a_stopped_cluster_refuses() {
    let ran = on(
        "minikube-docker",
        &[],
        "kubectl config get-contexts | tr -s ' '; kubectl config use-context docker-desktop; kubectl get nodes; echo $?\n",
    );
    let expected = "\
CURRENT NAME CLUSTER AUTHINFO NAMESPACE
 docker-desktop docker-desktop docker-desktop 
* minikube minikube minikube default
Switched to context \"docker-desktop\".
1
";
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
    assert!(ran.stderr.contains("was refused"), "{}", ran.stderr);
}

#[test]
fn two_clusters_run_beside_each_other_and_the_context_says_which_is_meant() {
    let script = "\
kubectl config get-contexts | tr -s ' '
kubectl get nodes -o name
kubectl apply -f web-np.yml >/dev/null; kubectl rollout status deploy/apache >/dev/null
curl -s 127.0.0.1:31848; echo $?
kubectl config use-context docker-desktop
kubectl get nodes -o name; kubectl get deploy
kubectl apply -f web-np.yml >/dev/null; kubectl rollout status deploy/apache >/dev/null
curl -s 127.0.0.1:31848
kubectl exec deploy/apache -- hostname > here; kubectl --context minikube exec deploy/apache -- hostname > there
cmp -s here there; echo $?
kubectl logs deploy/apache | grep -c GET
kubectl --context minikube delete deploy apache >/dev/null
kubectl get deploy -o name; kubectl --context minikube get deploy
kubectl get --raw /lab/why; echo $?
";
    let ran = on("docker-desktop", &[], script);
    let expected = "\
CURRENT NAME CLUSTER AUTHINFO NAMESPACE
 docker-desktop docker-desktop docker-desktop 
* minikube minikube minikube default
node/minikube
7
Switched to context \"docker-desktop\".
node/docker-desktop
<html><body><h1>It works!</h1></body></html>
1
1
deployment.apps/apache
1
";
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
    let nothing = "No resources found in default namespace.\n";
    assert_eq!(ran.stderr.matches(nothing).count(), 2, "{}", ran.stderr);
}

#[test]
fn minikubes_tools_speak_of_minikube_whatever_the_context_is() {
    let script = "\
kubectl apply -f web-np.yml >/dev/null; kubectl rollout status deploy/apache >/dev/null
minikube profile list | grep docker | tr -s ' '
kubectl config use-context docker-desktop >/dev/null
minikube profile list | grep docker | tr -s ' '
minikube ip
minikube status | head -5
minikube service list | grep -c web-np
minikube service web-np --url > url & sleep 2
curl -s $(head -1 url)
kill -INT $!
minikube ssh -- hostname </dev/null
minikube kubectl -- get nodes -o name
docker ps --format '{{.Names}}'
";
    let ran = on("docker-desktop", &[], script);
    let expected = "\
| minikube | docker | containerd | 192.168.49.2 | 8443 | v1.36.2 | OK | 1 | * | * |
| minikube | docker | containerd | 192.168.49.2 | 8443 | v1.36.2 | OK | 1 | * | |
192.168.49.2
minikube
type: Control Plane
host: Running
kubelet: Running
apiserver: Running
1
<html><body><h1>It works!</h1></body></html>
minikube
node/minikube
minikube
";
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
}

const POWER_CYCLE: &str = r#"
apiVersion: lab/v1alpha1
kind: Lab
metadata:
  id: power-cycle
  title: { ja: "再起動", en: "Off and on" }
  languages: [ja, en]
environment: { platform: minikube-docker, seed: 3 }
steps:
  - id: cycle
    title: { ja: "切って入れる", en: "Off and on again" }
    text: { ja: "ノードの電源を切り、入れます。", en: "The node is switched off and on." }
    do:
      - fault: { id: off, kind: node-down, target: minikube, for: 20s }
      - clock: { advance: 60s }
      - { run: kubectl get nodes -o name, like: node/minikube }
"#;

#[test]
fn an_api_server_on_a_node_listens_again_when_the_node_has_power_again() {
    let folder = crate::lab::lessons("places-power");
    let file = folder.join("power-cycle.yaml");
    std::fs::write(&file, POWER_CYCLE).expect("writable");
    let ran = run(&["run", file.to_str().expect("plain")]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn ssh_runs_commands_carries_input_and_gives_a_shell_at_a_terminal() {
    let ran = sh(
        &[],
        "echo typed | ssh node-1 cat; ssh node-1 'exit 4'; echo $?; ssh nowhere; echo $?\n",
    );
    assert_eq!(ran.stdout, "typed\n4\n255\n", "{}", ran.stderr);
    let typed = sh(&["--keys"], "ssh node-1\nhostname\nexit\nhostname\n");
    assert!(typed.stdout.contains("node-1"), "{}", typed.stdout);
    assert!(
        typed.stdout.contains("Connection to node-1 closed."),
        "{}",
        typed.stdout
    );
}

#[test]
fn git_is_not_here_and_says_so() {
    let ran = sh(&[], "git clone x\n");
    assert_eq!(ran.code, Some(127));
    assert!(
        ran.stderr.starts_with("git: not in this lab: "),
        "{}",
        ran.stderr
    );
}
