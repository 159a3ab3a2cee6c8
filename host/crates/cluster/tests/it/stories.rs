//! What the controllers tell when a Deployment lives its life.

use super::plane::{Plane, condition, deployment, pod, service};
use cluster::controller::{Context, Controller, Write};
use serde_json::{Value, json};

fn set_name(plane: &Plane) -> String {
    plane.list("replicasets.apps")[0]["metadata"]["name"]
        .as_str()
        .expect("named")
        .to_owned()
}

#[test]
fn a_new_deployment_becomes_what_was_recorded() {
    let mut plane = Plane::new(1);
    plane.create("deployments.apps", deployment(2));
    plane.run_for(5);
    let set = set_name(&plane);
    let status = &plane.get("deployments.apps", "my-nginx")["status"];
    let mut conditions = status["conditions"].clone();
    for condition in conditions.as_array_mut().expect("conditions") {
        condition["lastUpdateTime"] = Value::Null;
        condition["lastTransitionTime"] = Value::Null;
    }
    assert_eq!(
        conditions,
        json!([
            {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable",
             "message": "Deployment has minimum availability.", "lastUpdateTime": null, "lastTransitionTime": null},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable",
             "message": format!("ReplicaSet \"{set}\" has successfully progressed."), "lastUpdateTime": null, "lastTransitionTime": null},
        ])
    );
    let mut counts = status.clone();
    counts
        .as_object_mut()
        .expect("a status")
        .remove("conditions");
    assert_eq!(
        counts,
        json!({"availableReplicas": 2, "observedGeneration": 1, "readyReplicas": 2, "replicas": 2, "terminatingReplicas": 0, "updatedReplicas": 2})
    );
    assert_eq!(
        plane.get("deployments.apps", "my-nginx")["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
        "1"
    );
    assert_eq!(
        plane.get("deployments.apps", "my-nginx")["metadata"]["generation"],
        1
    );
    assert_eq!(
        plane.events("my-nginx"),
        [format!(
            "ScalingReplicaSet Scaled up replica set {set} from 0 to 2"
        )]
    );
    let replica_set = plane.get("replicasets.apps", &set);
    assert_eq!(
        replica_set["metadata"]["annotations"],
        json!({"deployment.kubernetes.io/desired-replicas": "2", "deployment.kubernetes.io/max-replicas": "3", "deployment.kubernetes.io/revision": "1"})
    );
    let created: Vec<String> = plane
        .list("pods")
        .iter()
        .map(|pod| {
            format!(
                "SuccessfulCreate Created pod: {}",
                pod["metadata"]["name"].as_str().expect("named")
            )
        })
        .collect();
    let mut told = plane.events(&set);
    told.sort();
    assert_eq!(told, created);
}

#[test]
fn a_pod_tells_its_story_in_the_recorded_words() {
    let mut plane = Plane::new(1);
    plane.create("pods", pod("curl", json!({"name": "curl"})));
    plane.create("pods", pod("bad", json!({"image": "nosuch/image:9"})));
    plane.run_for(3);
    let story = plane.events("curl");
    assert_eq!(
        story[0],
        "Scheduled Successfully assigned default/curl to node-1"
    );
    assert_eq!(story[1], "Pulling Pulling image \"busybox:1.28\"");
    assert!(
        story[2].starts_with("Pulled Successfully pulled image \"busybox:1.28\" in "),
        "{}",
        story[2]
    );
    assert!(
        story[2].ends_with("ms including waiting). Image size: 1479271 bytes."),
        "{}",
        story[2]
    );
    assert_eq!(
        story[3..],
        ["Created Container created", "Started Container started"]
    );
    plane.create("pods", pod("curl2", json!({})));
    plane.run_for(2);
    assert_eq!(
        plane.events("curl2")[1],
        "Pulled Container image \"busybox:1.28\" already present on machine and can be accessed by the pod"
    );
    let refused = "docker.io/nosuch/image:9";
    assert_eq!(
        plane.events("bad")[1..],
        [
            "Pulling Pulling image \"nosuch/image:9\"".to_owned(),
            format!(
                "Failed Failed to pull image \"nosuch/image:9\": rpc error: code = NotFound desc = failed to pull and unpack \
                 image \"{refused}\": failed to resolve reference \"{refused}\": {refused}: not found"
            ),
            "Failed Error: ErrImagePull".to_owned(),
            "BackOff Back-off pulling image \"nosuch/image:9\"".to_owned(),
            "Failed Error: ImagePullBackOff".to_owned(),
        ]
    );
    let waiting = &plane.get("pods", "bad")["status"]["containerStatuses"][0]["state"]["waiting"];
    assert_eq!(waiting["reason"], "ImagePullBackOff");
}

#[test]
fn a_rolling_update_takes_the_recorded_steps() {
    let mut plane = Plane::new(1);
    plane.create("deployments.apps", deployment(2));
    plane.run_for(5);
    let old = set_name(&plane);
    plane.edit("deployments.apps", "my-nginx", |deployment| {
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:1.16.1".into();
    });
    plane.run_for(20);
    let sets = plane.list("replicasets.apps");
    let new = sets
        .iter()
        .map(|set| set["metadata"]["name"].as_str().expect("named"))
        .find(|name| *name != old)
        .expect("a second set");
    assert_eq!(
        plane.events("my-nginx")[1..],
        [
            format!("ScalingReplicaSet Scaled up replica set {new} from 0 to 1"),
            format!("ScalingReplicaSet Scaled down replica set {old} from 2 to 1"),
            format!("ScalingReplicaSet Scaled up replica set {new} from 1 to 2"),
            format!("ScalingReplicaSet Scaled down replica set {old} from 1 to 0"),
        ]
    );
    assert_eq!(
        plane.get("deployments.apps", "my-nginx")["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
        "2"
    );
    assert_eq!(plane.ready_pods(), 2);
    assert_eq!(plane.list("pods").len(), 2);
}

#[test]
fn an_undone_update_takes_the_old_set_again_under_a_new_revision() {
    let mut plane = Plane::new(1);
    plane.create("deployments.apps", deployment(2));
    plane.run_for(5);
    let first = set_name(&plane);
    for image in ["nginx:1.16.1", "nginx"] {
        plane.edit("deployments.apps", "my-nginx", |deployment| {
            deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
        });
        plane.run_for(20);
    }
    let set = plane.get("replicasets.apps", &first);
    let annotations = &set["metadata"]["annotations"];
    assert_eq!(annotations["deployment.kubernetes.io/revision"], "3");
    assert_eq!(
        annotations["deployment.kubernetes.io/revision-history"],
        "1"
    );
    assert_eq!(set["status"]["readyReplicas"], 2);
    assert_eq!(plane.list("replicasets.apps").len(), 2);
}

#[test]
fn recreate_ends_every_old_pod_before_the_first_new_one() {
    let mut plane = Plane::new(1);
    let mut wish = deployment(2);
    wish["spec"]["strategy"] = json!({"type": "Recreate"});
    plane.create("deployments.apps", wish);
    plane.run_for(5);
    plane.edit("deployments.apps", "my-nginx", |deployment| {
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:1.16.1".into();
    });
    for _ in 0..100 {
        plane.run_for_ms(50);
        let images: std::collections::BTreeSet<String> = plane
            .list("pods")
            .iter()
            // Whose containers have ended does not hold its successor back, as upstream.
            .filter(|pod| pod["status"]["phase"] != "Succeeded")
            .map(|pod| pod["spec"]["containers"][0]["image"].to_string())
            .collect();
        assert!(images.len() <= 1, "{images:?} at once");
    }
    assert_eq!(plane.ready_pods(), 2);
}

#[test]
fn scaling_down_takes_the_pods_that_are_not_ready_first() {
    let mut plane = Plane::new(1);
    plane.create("deployments.apps", deployment(2));
    plane.run_for(5);
    let ready: Vec<String> = plane
        .list("pods")
        .iter()
        .map(|pod| pod["metadata"]["name"].to_string())
        .collect();
    plane.edit("deployments.apps", "my-nginx", |deployment| {
        deployment["spec"]["replicas"] = 3.into()
    });
    plane.run_for_ms(100);
    assert_eq!(plane.list("pods").len(), 3);
    plane.edit("deployments.apps", "my-nginx", |deployment| {
        deployment["spec"]["replicas"] = 2.into()
    });
    plane.run_for(5);
    let left: Vec<String> = plane
        .list("pods")
        .iter()
        .map(|pod| pod["metadata"]["name"].to_string())
        .collect();
    assert_eq!(left, ready);
}

#[test]
fn a_deleted_deployment_takes_everything_with_it() {
    let mut plane = Plane::new(1);
    plane.create("deployments.apps", deployment(2));
    plane.create("services", service());
    plane.run_for(5);
    plane.delete("deployments.apps", "my-nginx");
    plane.run_for(5);
    assert!(plane.list("replicasets.apps").is_empty() && plane.list("pods").is_empty());
    let slice = plane
        .list("endpointslices.discovery.k8s.io")
        .into_iter()
        .find(|slice| slice["metadata"]["generateName"] == "my-nginx-");
    assert_eq!(
        slice.expect("the Service is still there")["endpoints"],
        Value::Null
    );
    plane.delete("services", "my-nginx");
    plane.run_for(1);
    assert!(plane.try_get("endpoints", "my-nginx").is_none());
    assert_eq!(
        plane.list("endpointslices.discovery.k8s.io").len(),
        1,
        "only that of kubernetes is left"
    );
}

#[test]
fn endpoint_slices_look_as_recorded() {
    let mut plane = Plane::new(1);
    plane.create("deployments.apps", deployment(2));
    plane.run_for(5);
    plane.create("services", service());
    plane.run_for(1);
    let slices = plane.list("endpointslices.discovery.k8s.io");
    let slice = slices
        .into_iter()
        .find(|slice| slice["metadata"]["generateName"] == "my-nginx-")
        .expect("a slice");
    assert_eq!(
        slice["metadata"]["labels"],
        json!({"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io", "kubernetes.io/service-name": "my-nginx", "run": "my-nginx"})
    );
    assert_eq!(
        slice["ports"],
        json!([{"name": "", "port": 80, "protocol": "TCP"}])
    );
    let pods = plane.list("pods");
    let wanted: Vec<Value> = pods
        .iter()
        .map(|pod| {
            json!({
                "addresses": [pod["status"]["podIP"]],
                "conditions": {"ready": true, "serving": true, "terminating": false},
                "nodeName": "node-1",
                "targetRef": {"kind": "Pod", "name": pod["metadata"]["name"], "namespace": "default", "uid": pod["metadata"]["uid"]},
            })
        })
        .collect();
    assert_eq!(slice["endpoints"], Value::from(wanted));
    let owner = &slice["metadata"]["ownerReferences"][0];
    assert_eq!(
        (owner["kind"].as_str(), owner["controller"].as_bool()),
        (Some("Service"), Some(true))
    );
    let legacy = &plane.get("endpoints", "my-nginx")["subsets"][0];
    assert_eq!(legacy["ports"], json!([{"port": 80, "protocol": "TCP"}]));
    assert_eq!(legacy["addresses"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_pod_that_loses_its_label_leaves_the_service_and_is_replaced() {
    let mut plane = Plane::new(1);
    plane.create("deployments.apps", deployment(2));
    plane.create("services", service());
    plane.run_for(5);
    let name = plane.list("pods")[0]["metadata"]["name"]
        .as_str()
        .expect("named")
        .to_owned();
    plane.edit("pods", &name, |pod| {
        pod["metadata"]["labels"]["run"] = "debug".into()
    });
    plane.run_for(5);
    assert_eq!(plane.list("pods").len(), 3);
    assert!(plane.get("pods", &name)["metadata"]["ownerReferences"].is_null());
    let slices = plane.list("endpointslices.discovery.k8s.io");
    let slice = slices
        .into_iter()
        .find(|slice| slice["metadata"]["generateName"] == "my-nginx-")
        .expect("a slice");
    let names: Vec<&str> = slice["endpoints"]
        .as_array()
        .expect("endpoints")
        .iter()
        .map(|e| e["targetRef"]["name"].as_str().expect("named"))
        .collect();
    assert_eq!(names.len(), 2);
    assert!(!names.contains(&name.as_str()));
}

#[test]
fn a_pod_that_fits_nowhere_is_told_why_and_bound_when_it_fits() {
    let mut plane = Plane::new(1);
    plane.create(
        "pods",
        pod("toobig", json!({"resources": {"requests": {"cpu": "100"}}})),
    );
    plane.edit("nodes", "node-1", |node| {
        node["spec"]["unschedulable"] = true.into()
    });
    plane.create("pods", pod("patient", json!({})));
    plane.run_for(1);
    assert!(plane.events("toobig").iter().any(|event| {
        event.starts_with("FailedScheduling 0/1 nodes are available: 1 node(s) were unschedulable.")
    }));
    plane.edit("nodes", "node-1", |node| {
        node["spec"]["unschedulable"] = false.into()
    });
    plane.run_for(3);
    assert_eq!(condition(plane.get("pods", "patient"), "Ready"), "True");
    assert_eq!(
        plane.events("toobig").last().expect("an event"),
        "FailedScheduling 0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, \
         preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    );
}

#[test]
fn a_deleted_namespace_is_emptied_and_goes() {
    let mut plane = Plane::new(1);
    plane.create("namespaces", json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}, "spec": {"finalizers": ["kubernetes"]}}));
    plane.run_for(1);
    assert!(
        plane
            .store
            .get("serviceaccounts", "shop", "default")
            .is_some()
    );
    assert!(
        plane
            .store
            .get("configmaps", "shop", "kube-root-ca.crt")
            .is_some()
    );
    let mut wish = deployment(2);
    wish["metadata"]["namespace"] = "shop".into();
    plane.create("deployments.apps", wish);
    plane.run_for(5);
    assert_eq!(plane.store.list("pods", Some("shop")).count(), 2);
    let held = json!({"metadata": {"name": "held", "namespace": "shop", "finalizers": ["example.org/hold"]}});
    plane.create("configmaps", held);
    plane.delete("namespaces", "shop");
    plane.run_for(4);
    assert_eq!(
        plane.store.list("pods", Some("shop")).count(),
        2,
        "upstream waits five seconds, so that everybody can see that it goes"
    );
    plane.run_for(4);
    let conditions = plane.get("namespaces", "shop")["status"]["conditions"].clone();
    assert_eq!(
        conditions[3]["message"],
        "Some resources are remaining: configmaps. has 1 resource instances"
    );
    assert_eq!(
        conditions[4]["message"],
        "Some content in the namespace has finalizers remaining: example.org/hold in 1 resource instances"
    );
    let held = plane.store.get("configmaps", "shop", "held").cloned();
    let mut held = (*held.expect("it is held")).clone();
    held["metadata"]["finalizers"] = json!([]);
    let freed = plane.registry.update(&mut plane.store, "configmaps", held);
    freed.expect("it is there");
    plane.run_for(40);
    assert!(plane.try_get("namespaces", "shop").is_none());
    assert_eq!(plane.store.list("pods", Some("shop")).count(), 0);
}

#[test]
fn the_service_kubernetes_comes_back() {
    let mut plane = Plane::new(1);
    plane.delete("services", "kubernetes");
    plane.run_for(1);
    assert_eq!(
        plane.get("services", "kubernetes")["spec"]["clusterIP"],
        "10.96.0.1"
    );
    assert_eq!(
        plane.get("endpoints", "kubernetes")["subsets"][0]["ports"][0]["port"],
        6443
    );
}

fn controllers() -> Vec<Box<dyn Controller>> {
    use cluster::controller as c;
    vec![
        Box::new(c::deployment::Deployments),
        Box::new(c::replicaset::Replicas::SETS),
        Box::new(c::replicaset::Replicas::CONTROLLERS),
        Box::new(c::statefulset::StatefulSets),
        Box::new(c::daemonset::DaemonSets),
        Box::new(c::job::Jobs),
        Box::new(c::cronjob::CronJobs),
        Box::new(c::disruption::Disruption),
        Box::new(cluster::scheduler::Scheduler::new(clock::Seed::new(1))),
        Box::new(c::endpointslice::EndpointSlices),
        Box::new(c::endpoints::Endpoints),
        Box::new(c::mirror::Mirror),
        Box::new(c::node::NodeLifecycle),
        Box::new(c::eviction::TaintEviction),
        Box::new(c::podgc::PodGc),
        Box::new(c::namespace::Namespaces),
        Box::new(c::gc::GarbageCollector),
    ]
}

/// A world with a bit of everything in it.
fn busy(seed: u64, shuffle: bool) -> Plane {
    let mut plane = Plane::seeded(3, seed, shuffle);
    plane.create("deployments.apps", deployment(5));
    plane.create("services", service());
    plane.create(
        "pods",
        pod("toobig", json!({"resources": {"requests": {"cpu": "100"}}})),
    );
    plane.create("pods", pod("alone", json!({})));
    plane.create(
        "endpoints",
        json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "outside", "namespace": "default"},
               "subsets": [{"addresses": [{"ip": "192.0.2.42"}], "ports": [{"port": 9376}]}]}),
    );
    plane.create(
        "services",
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "outside", "namespace": "default"},
               "spec": {"clusterIP": "10.111.251.6", "ports": [{"port": 80, "targetPort": 9376}]}}),
    );
    super::workloads::furnish(&mut plane);
    plane.run_for(5);
    plane.edit("deployments.apps", "my-nginx", |deployment| {
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:1.16.1".into();
    });
    plane.run_for(30);
    plane
}

#[test]
fn asked_again_no_controller_writes_anything() {
    let plane = busy(3, false);
    let index = plane.index();
    let context = Context {
        now: plane.now,
        epoch: super::plane::EPOCH,
        index: &index,
    };
    for controller in controllers() {
        for key in plane.keys() {
            let event = cluster::Event {
                rev: 1,
                kind: key.kind,
                op: cluster::Op::Added,
                object: plane.store.get_key(&key).expect("indexed").clone(),
                previous: None,
            };
            for key in controller.wakes(&event, &plane.store, &index) {
                let writes = controller.reconcile(&plane.store, &key, &context);
                let real: Vec<&Write> = writes
                    .iter()
                    .filter(|write| !matches!(write, Write::RequeueAfter(_)))
                    .collect();
                assert!(real.is_empty(), "{} {key:?}: {real:?}", controller.name());
            }
        }
    }
}

#[test]
fn any_order_of_keys_reaches_the_same_end() {
    let summary = |plane: &Plane| {
        let strip = |name: &Value| {
            name.as_str()
                .expect("named")
                .rsplit_once('-')
                .map_or(String::new(), |(stem, _)| stem.to_owned())
        };
        let mut lines: Vec<String> = plane
            .list("pods")
            .iter()
            .map(|pod| {
                format!(
                    "{} {} {}",
                    strip(&pod["metadata"]["name"]),
                    pod["status"]["phase"],
                    condition(pod, "Ready")
                )
            })
            .collect();
        lines.sort();
        for set in plane.list("replicasets.apps") {
            lines.push(format!(
                "{} {} {}",
                set["metadata"]["name"], set["spec"]["replicas"], set["metadata"]["annotations"]
            ));
        }
        for slice in plane.list("endpointslices.discovery.k8s.io") {
            lines.push(format!(
                "{} {}",
                slice["ports"],
                slice["endpoints"].as_array().map_or(0, Vec::len)
            ));
        }
        lines.sort();
        lines
    };
    let straight = summary(&busy(1, false));
    for seed in 1..8 {
        assert_eq!(summary(&busy(seed, true)), straight, "with seed {seed}");
    }
}

#[test]
fn one_seed_makes_one_world() {
    let dump = |plane: &Plane| {
        plane
            .keys()
            .iter()
            .map(|key| plane.store.get_key(key).expect("indexed").to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(dump(&busy(5, true)), dump(&busy(5, true)));
    assert_ne!(dump(&busy(5, true)), dump(&busy(6, true)));
}

#[test]
fn a_thousand_pods_become_ready_with_few_writes_each() {
    let mut plane = Plane::new(12);
    plane.create("deployments.apps", deployment(1000));
    plane.create("services", service());
    plane.run_for(10);
    assert_eq!(plane.ready_pods(), 1000);
    assert!(
        plane.store.revision() < 15_000,
        "{} writes",
        plane.store.revision()
    );
}

#[test]
fn a_load_balancer_comes_after_a_while_and_goes_when_the_type_changes() {
    let mut plane = Plane::new(1);
    let mut wish = service();
    wish["spec"]["type"] = "LoadBalancer".into();
    plane.create("services", wish.clone());
    plane.run_for(1);
    let ingress = |plane: &Plane| {
        plane.get("services", "my-nginx")["status"]["loadBalancer"]["ingress"].clone()
    };
    assert!(ingress(&plane).is_null(), "pending at first");
    plane.run_for(10);
    assert_eq!(
        ingress(&plane),
        json!([{ "ip": "203.0.113.1", "ipMode": "VIP" }])
    );
    assert_eq!(
        plane.events("my-nginx"),
        [
            "EnsuringLoadBalancer Ensuring load balancer",
            "EnsuredLoadBalancer Ensured load balancer",
        ]
    );
    wish["metadata"]["name"] = "second".into();
    plane.create("services", wish);
    plane.run_for(11);
    let second = &plane.get("services", "second")["status"]["loadBalancer"]["ingress"][0]["ip"];
    assert_eq!(second, "203.0.113.2", "no two have one address");
    plane.edit("services", "my-nginx", |service| {
        service["spec"]["type"] = "NodePort".into();
    });
    plane.run_for(11);
    assert!(ingress(&plane).is_null());
    assert!(plane.get("services", "my-nginx")["metadata"]["finalizers"].is_null());
}

#[test]
fn a_service_with_a_load_balancer_is_gone_when_the_cloud_has_let_go() {
    let mut plane = Plane::new(1);
    let mut wish = service();
    wish["spec"]["type"] = "LoadBalancer".into();
    plane.create("services", wish);
    plane.run_for(11);
    plane.delete("services", "my-nginx");
    assert!(plane.try_get("services", "my-nginx").is_some());
    plane.run_for(11);
    assert!(plane.try_get("services", "my-nginx").is_none());
}
