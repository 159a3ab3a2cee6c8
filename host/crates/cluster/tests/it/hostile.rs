//! Bytes that no client means: mutated paths, selectors, manifests and patches. Every one is
//! answered, and what is kept afterwards can still be read. Never looks at what the answer is.
//!
//! `FUZZ_ROUNDS=1000000 cargo test -p cluster hostile` casts the net for longer.

use crate::fixture::{CONFIG_MAPS, DEPLOYMENTS, Lab, MY_NGINX, PODS, SERVICES, json};
use crate::protobuf;
use cluster::Method::{Delete, Get, Patch, Post, Put};
use cluster::{Body, Method, Request, Response};
use k8s_pb::api::core::v1::ConfigMap;
use k8s_pb::apimachinery::pkg::apis::meta::v1::ObjectMeta;

const ROUNDS: u32 = 4_000;
/// What is rebuilt now and then, so that no input stands on thousands before it.
const FRESH: u32 = 200;

fn words(text: &str) -> Vec<&[u8]> {
    text.split_whitespace().map(str::as_bytes).collect()
}

fn lab() -> Lab {
    let mut lab = Lab::new();
    lab.create(DEPLOYMENTS, MY_NGINX);
    lab.create(
        CONFIG_MAPS,
        r#"{"metadata":{"name":"c","labels":{"a":"b"}},"data":{"a":"1"}}"#,
    );
    lab
}

/// An answer is whole: JSON that is JSON, a watch that can be read once and closed.
fn assert_whole(lab: &mut Lab, response: &Response) {
    let now = lab.now;
    match &response.body {
        Body::Watch(id) => {
            lab.cluster.poll_watch(now, *id);
            lab.cluster.close_watch(*id);
        }
        Body::Bytes(bytes) if !bytes.is_empty() => {
            let is_json = |(_, value): &(_, String)| value == "application/json";
            if response.headers.iter().any(is_json) {
                json(response);
            }
        }
        Body::Bytes(_) | Body::Stream(_) => {}
    }
}

/// Sends every mutated input; afterwards all that is there can be listed as a table.
fn cast(corpus: &[&[u8]], dictionary: &[&[u8]], mut request: impl FnMut(u32, &[u8]) -> Request) {
    let mut lab = lab();
    let mut round = 0;
    trial::fuzz(ROUNDS, corpus, dictionary, |bytes| {
        round += 1;
        if round % FRESH == 0 {
            lab = self::lab();
        }
        let response = lab.ask(request(round, bytes));
        assert_whole(&mut lab, &response);
        let now = lab.now;
        lab.cluster.handle_time(now);
        if round % 50 == 0 {
            for path in [PODS, CONFIG_MAPS, SERVICES, DEPLOYMENTS] {
                let mut table = Request::get(path);
                table.accept = "application/json;as=Table;v=v1;g=meta.k8s.io".to_owned();
                let table = lab.ask(table);
                assert_eq!(json(&table)["kind"], "Table");
            }
        }
    });
}

#[test]
fn no_path_and_no_selector_breaks_the_server() {
    let corpus: Vec<&[u8]> = [
        "/api/v1/namespaces/default/pods?labelSelector=a%3Db%2Cc%20in%20%28d%2Ce%29%2C%21f&limit=5",
        "/api/v1/pods?fieldSelector=status.phase%21%3DRunning%2Cspec.nodeName%3Dnode-1&watch=1",
        "/apis/apps/v1/namespaces/default/deployments/my-nginx/scale?pretty=true",
        "/api/v1/namespaces/default/configmaps?limit=1&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ",
        "/api/v1/namespaces/default/pods/p/log?tailLines=5&sinceTime=2026-01-01T00:00:00Z&follow=true",
        "/api/v1/watch/namespaces/default/configmaps/c?resourceVersion=1&timeoutSeconds=3",
        "/openapi/v3/apis/apps/v1?hash=00",
        "/api/v1/namespaces/default/pods/p/exec?command=a&command=b&container=c&stdin=1",
    ]
    .map(str::as_bytes)
    .to_vec();
    let dictionary = words(
        "%00 %zz ? & = ; // .. %2F %F0%9F in notin exists ! == , ( ) labelSelector resourceVersion \
         resourceVersionMatch=NotOlderThan sendInitialEvents=true allowWatchBookmarks=1 limit=-1 \
         continue= timeoutSeconds=99999999999999999999 99999999999999999999 dryRun=All",
    );
    cast(&corpus, &dictionary, |round, bytes| {
        let target = String::from_utf8_lossy(bytes);
        let method = [Get, Delete, Get, Post, Method::Head, Get][round as usize % 6];
        let mut request = Request::new(method, &target, "application/json", b"{}".to_vec());
        if round % 7 == 0 {
            request.accept =
                "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io".into();
        }
        request
    });
}

#[test]
fn no_selector_breaks_the_server() {
    let corpus: Vec<&[u8]> = [
        "a=b,c!=d,e in (f,g),h notin (i),j,!k",
        "app.kubernetes.io/name in (a, b), tier",
        "metadata.name=c,status.phase!=Running",
    ]
    .map(str::as_bytes)
    .to_vec();
    let dictionary = words("( ) , = == != ! in notin > < \\ \\, / é x/y/z metadata.namespace");
    cast(&corpus, &dictionary, |round, bytes| {
        let name = if round % 2 == 0 { "label" } else { "field" };
        let escaped: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
        Request::get(&format!("{CONFIG_MAPS}?{name}Selector={escaped}"))
    });
}

#[test]
fn no_manifest_breaks_the_server() {
    let map = ConfigMap {
        metadata: Some(ObjectMeta {
            name: Some("p".to_owned()),
            labels: [("a".to_owned(), "b".to_owned())].into(),
            ..ObjectMeta::default()
        }),
        data: [("k".to_owned(), "v".to_owned())].into(),
        ..ConfigMap::default()
    };
    let binary = protobuf::body("v1", "ConfigMap", &map);
    let corpus: [&[u8]; 4] = [
        MY_NGINX.as_bytes(),
        br#"{"kind":"Service","apiVersion":"v1","metadata":{"generateName":"x-"},"spec":{"ports":[{"port":80,"targetPort":"http"}],"selector":{"a":"b"}}}"#,
        b"metadata:\n  name: a\nspec:\n  containers:\n  - name: c\n    image: nginx\n    resources: {limits: {cpu: 100m, memory: 1Gi}}\n",
        &binary,
    ];
    let dictionary = words(
        "k8s\0 null true 1e999 -1 \"\" {} [] - : | & *a !!binary \u{feff} \\ud800 0x10 1_000 \
         generateName finalizers ownerReferences 2026-01-01T00:00:00Z \"100m\" metadata",
    );
    cast(&corpus, &dictionary, |round, bytes| {
        let path = [DEPLOYMENTS, SERVICES, PODS, CONFIG_MAPS][round as usize % 4];
        let type_ = match bytes {
            [b'k', ..] => "application/vnd.kubernetes.protobuf",
            [b'{', ..] => "application/json",
            _ => "application/yaml",
        };
        let strict = format!("{path}?fieldValidation=Strict");
        let path = if round % 3 == 0 { &strict } else { path };
        Request::new(Post, path, type_, bytes.to_vec())
    });
}

#[test]
fn no_patch_breaks_the_server() {
    let corpus: [&[u8]; 6] = [
        br#"[{"op":"test","path":"/data/a","value":"1"},{"op":"add","path":"/data/b~1c","value":"2"},{"op":"move","from":"/data/a","path":"/data/z"}]"#,
        br#"[{"op":"remove","path":"/spec/template/spec/containers/0"},{"op":"copy","from":"/metadata","path":"/spec/template/metadata"}]"#,
        br#"{"metadata":{"labels":{"a":null,"x":"y"}},"data":{"a":"2"}}"#,
        br#"{"spec":{"template":{"spec":{"containers":[{"name":"my-nginx","$patch":"delete"},{"name":"c","image":"nginx"}],"$setElementOrder/containers":[{"name":"c"}]}}}}"#,
        br#"{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"},"replicas":0}}"#,
        b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: '3'\n",
    ];
    let dictionary = words(
        "null $patch replace $deleteFromPrimitiveList/finalizers $setElementOrder/ports - / ~ ~0 \
         /-1 /99999999999999999999 /metadata/managedFields /metadata [] {} \"\" 1e999 -",
    );
    let types = [
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
    ];
    cast(&corpus, &dictionary, |round, bytes| {
        let path = match round / 4 % 3 {
            0 => format!("{CONFIG_MAPS}/c?fieldManager=fuzz"),
            1 => format!("{DEPLOYMENTS}/my-nginx?fieldManager=fuzz&force=true"),
            _ => format!("{DEPLOYMENTS}/my-nginx/scale?fieldManager=fuzz"),
        };
        let type_ = types[round as usize % 4];
        let method = if round % 31 == 0 { Put } else { Patch };
        Request::new(method, &path, type_, bytes.to_vec())
    });
}
