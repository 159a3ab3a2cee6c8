//! An ingress controller in a lab: a class, a Pod in front, hosts and paths behind it.

use crate::lab::{folder, root};
use crate::sh::sh;

const SHOP: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: { name: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: shop } }
  template:
    metadata: { labels: { app: shop } }
    spec: { containers: [{ name: c, image: nginx }] }
---
apiVersion: v1
kind: Service
metadata: { name: shop }
spec: { selector: { app: shop }, ports: [{ port: 80 }] }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
spec:
  ingressClassName: nginx
  tls: [{ hosts: [safe.example], secretName: safe }]
  rules:
  - host: shop.example
    http: { paths: [{ path: /index.html, pathType: Exact, backend: { service: { name: shop, port: { number: 80 } } } }] }
  - host: safe.example
    http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: shop, port: { number: 80 } } } }] }
";

const SCRIPT: &str = r#"
    kubectl apply -f ingress-nginx.yaml -f shop.yaml > /dev/null
    kubectl -n ingress-nginx rollout status deployment/ingress-nginx-controller > /dev/null
    kubectl rollout status deployment/shop > /dev/null
    sleep 10
    door=$(kubectl get ingress shop -o jsonpath='{.status.loadBalancer.ingress[0].ip}')
    code() { curl -s -o /dev/null -w '%{http_code}\n' "$@"; }
    code --resolve shop.example:80:$door http://shop.example/index.html
    code --resolve shop.example:80:$door http://shop.example/other
    code http://$door/
    openssl req -x509 -newkey rsa:2048 -nodes -keyout k -out c -days 9 -subj /CN=safe.example 2> /dev/null
    kubectl create secret tls safe --cert=c --key=k > /dev/null
    sleep 5
    code --resolve safe.example:80:$door http://safe.example/
    code --resolve safe.example:443:$door --cacert c https://safe.example/
    kubectl scale deployment/shop --replicas=0 > /dev/null
    sleep 10
    code --resolve shop.example:80:$door http://shop.example/index.html
    kubectl get ingress shop | tail -n 1 | cut -c 1-40
"#;

#[test]
fn hosts_and_paths_lead_where_the_ingress_says_in_a_cloud() {
    let folder = folder("ingress");
    std::fs::write(folder.join("shop.yaml"), SHOP).expect("writable");
    let controller = root().join("labs/files/ingress-nginx.yaml");
    std::fs::copy(controller, folder.join("ingress-nginx.yaml")).expect("writable");
    let files = folder.to_str().expect("plain");
    let ran = sh(&["--platform", "gke", "--files", files], SCRIPT);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        lines[..6],
        ["200", "404", "404", "308", "200", "503"],
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    assert!(lines[6].starts_with("shop   nginx   "), "{}", ran.stdout);
}
