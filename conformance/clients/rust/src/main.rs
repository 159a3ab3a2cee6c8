//! What a program with the `kube` crate and its runtime does with a cluster; prints one line for
//! each claim. Never looks at what only a lab has, and ends at the first claim that does not hold.

use anyhow::{Context, Result, ensure};
use futures::{AsyncBufReadExt, StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Node, Pod};
use kube::api::{
    AttachParams, DeleteParams, ListParams, LogParams, Patch, PatchParams, PostParams,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::{reflector, watcher};
use kube::{Api, Client, Config, ResourceExt};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const NAMESPACE: &str = "clients-rust";
/// A test that hangs is a test that fails.
const BUDGET: Duration = Duration::from_secs(120);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    tokio::time::timeout(BUDGET, run())
        .await
        .context("it did not end within two minutes")?
}

fn claim(text: &str, holds: bool) -> Result<()> {
    println!("{} {text}", if holds { "ok  " } else { "FAIL" });
    ensure!(holds, "{text}");
    Ok(())
}

fn deployment(replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "web", "namespace": NAMESPACE },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "web", "image": "nginx" }] },
            },
        },
    })
}

/// Whether a rollout has ended: what `kubectl rollout status` asks.
fn rolled_out(found: Option<&Deployment>) -> bool {
    let Some((found, status)) = found.and_then(|found| Some((found, found.status.as_ref()?)))
    else {
        return false;
    };
    let wanted = found.spec.as_ref().and_then(|spec| spec.replicas);
    status.observed_generation >= found.metadata.generation
        && status.updated_replicas == wanted
        && status.available_replicas == wanted
        && status.replicas == wanted
}

async fn run() -> Result<()> {
    let path = std::env::args().nth(1).context("which kubeconfig?")?;
    let kubeconfig = Kubeconfig::read_from(path)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    let client = Client::try_from(config)?;

    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = serde_json::from_value(json!({ "metadata": { "name": NAMESPACE } }))?;
    namespaces
        .create(&PostParams::default(), &namespace)
        .await?;
    let nodes = Api::<Node>::all(client.clone())
        .list(&ListParams::default())
        .await?;
    claim("lists nodes", !nodes.items.is_empty())?;

    let apps: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
    let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    let created = serde_json::from_value(deployment(2))?;
    apps.create(&PostParams::default(), &created).await?;
    await_condition(apps.clone(), "web", rolled_out).await?;
    claim("watches a deployment until it is rolled out", true)?;

    roll(&apps, &pods).await?;
    let name = newest(&pods).await?;
    await_condition(pods.clone(), &name, conditions::is_pod_running()).await?;
    talk(&pods, &name).await?;
    forward(&pods, &name).await?;
    log(&pods, &name).await?;

    let params = PatchParams::apply("rust").force();
    let applied = apps
        .patch("web", &params, &Patch::Apply(deployment(3)))
        .await?;
    let managers = applied.managed_fields().iter();
    let known = managers
        .filter_map(|entry| entry.manager.as_deref())
        .any(|name| name == "rust");
    let replicas = applied.spec.and_then(|spec| spec.replicas);
    claim("applies on the server", known && replicas == Some(3))?;
    let missing = pods.get("none").await;
    claim(
        "is told what is not there",
        matches!(missing, Err(kube::Error::Api(status)) if status.code == 404),
    )?;
    namespaces
        .delete(NAMESPACE, &DeleteParams::default())
        .await?;
    Ok(())
}

/// A patch of the template, and a reflector that follows the Pods through the rollout.
async fn roll(apps: &Api<Deployment>, pods: &Api<Pod>) -> Result<()> {
    let (store, writer) = reflector::store();
    // Events, not objects: the store is filled by the event that ends a list.
    let followed = reflector(writer, watcher(pods.clone(), watcher::Config::default()));
    let mut followed = Box::pin(followed);
    let names = |store: &reflector::Store<Pod>| -> BTreeSet<String> {
        store.state().iter().map(|pod| pod.name_any()).collect()
    };
    while names(&store).len() < 2 {
        followed.try_next().await?.context("the watch ended")?;
    }
    let before = names(&store);
    claim("reflects pods into a store", before.len() == 2)?;
    let patch =
        json!({ "spec": { "template": { "metadata": { "annotations": { "again": "1" } } } } });
    let patched = apps
        .patch("web", &PatchParams::default(), &Patch::Strategic(patch))
        .await?;
    let template = patched
        .spec
        .context("a spec")?
        .template
        .spec
        .context("a pod's spec")?;
    claim(
        "patches strategically",
        template.containers[0].image.as_deref() == Some("nginx"),
    )?;
    let mut done = Box::pin(await_condition(apps.clone(), "web", rolled_out));
    loop {
        tokio::select! {
            ended = &mut done => break drop(ended?),
            seen = followed.try_next() => drop(seen?.context("the watch ended")?),
        }
    }
    while names(&store).iter().any(|name| before.contains(name)) {
        followed.try_next().await?.context("the watch ended")?;
    }
    claim("watches through a rolling update", names(&store).len() == 2)
}

async fn newest(pods: &Api<Pod>) -> Result<String> {
    let found = pods.list(&ListParams::default().labels("app=web")).await?;
    let mut alive = found
        .iter()
        .filter(|pod| pod.metadata.deletion_timestamp.is_none());
    Ok(alive.next().context("a pod")?.name_any())
}

async fn talk(pods: &Api<Pod>, name: &str) -> Result<()> {
    let command = ["sh", "-c", "read line; echo \"heard $line\"; exit 3"];
    let params = AttachParams::default().stdin(true).stderr(false);
    let mut process = pods.exec(name, command, &params).await?;
    let status = process.take_status().context("a status")?;
    let mut stdin = process.stdin().context("stdin")?;
    stdin.write_all(b"hello\n").await?;
    let mut heard = String::new();
    process
        .stdout()
        .context("stdout")?
        .read_to_string(&mut heard)
        .await?;
    let causes = status
        .await
        .and_then(|status| status.details?.causes)
        .unwrap_or_default();
    claim(
        "talks to a command and learns its exit code",
        heard == "heard hello\n"
            && causes
                .iter()
                .any(|cause| cause.message.as_deref() == Some("3")),
    )
}

async fn forward(pods: &Api<Pod>, name: &str) -> Result<()> {
    let mut forwarder = pods.portforward(name, &[80]).await?;
    let mut stream = forwarder.take_stream(80).context("a stream")?;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await?;
    let mut page = Vec::new();
    let mut piece = [0; 4096];
    while !String::from_utf8_lossy(&page).contains("</html>") {
        match stream.read(&mut piece).await? {
            0 => break,
            count => page.extend_from_slice(&piece[..count]),
        }
    }
    let page = String::from_utf8_lossy(&page).into_owned();
    claim("forwards a port", page.contains("Welcome to nginx!"))
}

async fn log(pods: &Api<Pod>, name: &str) -> Result<()> {
    let params = LogParams {
        follow: true,
        ..LogParams::default()
    };
    let mut lines = pods.log_stream(name, &params).await?.lines();
    let mut found = false;
    while let Some(line) = lines.next().await {
        found = line?.contains("GET / HTTP/1.1");
        if found {
            break;
        }
    }
    claim("follows a log", found)
}
